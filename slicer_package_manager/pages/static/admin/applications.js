/* The page of all applications that the user may edit. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    const DEFAULT_COLLECTION = 'Applications';

    /** The collections in which the user may create an application: `[value, label]` each. */
    async function places() {
        const {body} = await spm.call('GET', 'collection', {limit: 0});
        const writable = body.filter((one) => one._accessLevel >= spm.AccessType.WRITE);
        const found = writable.map((one) => [one._id, one.name]);
        const first = writable.find((one) => one.name === DEFAULT_COLLECTION);
        if (!first && spm.isAdmin() && !body.some((one) => one.name === DEFAULT_COLLECTION)) {
            found.unshift(['', `${DEFAULT_COLLECTION} (is created)`]);
        }
        return {choices: found, value: first ? first._id : found.length ? found[0][0] : null};
    }

    function create(place, done) {
        spm.dialog({
            title: 'Create application', submit: 'Create', icon: 'plus-squared',
            fields: [
                {name: 'name', label: 'Name'},
                {name: 'app_description', label: 'Description (optional)'},
                {name: 'collection_id', label: 'Collection', type: 'choice', ...place},
                {name: 'public', label: 'Everyone may read it', type: 'checkbox', value: true}
            ],
            blocked: ({name}) => !name.trim(),
            save: async ({collection_id: collection, ...values}) => {
                const {body} = await spm.call('POST', 'app', collection ? {...values, collection_id: collection} : values);
                spm.forgetEditable();
                spm.tell(`The application “${body.name}” is created.`);
                done(body);
            }
        });
    }

    const cell = (name, value) => el('td', {'data-label': name, class: 'spm-number'}, value);

    function line({app, total, failure}) {
        return el('tr', {'data-id': app._id},
            el('th', {scope: 'row'}, el('a', {class: 'spm-name', href: `#packages/${app._id}`}, app.name),
                !app.public && [' ', spm.icon('lock', 'Private')],
                app.description && el('div', {class: 'spm-faint spm-description'}, spm.plain(app.description))),
            failure ? el('td', {colspan: '6', class: 'text-danger'}, failure.message) : [
                cell('Releases', spm.number(total.releases)), cell('Drafts', spm.number(total.drafts)),
                cell('Packages', spm.number(total.packages)), cell('Extensions', spm.number(total.extensions)),
                cell('Size', spm.size(total.size)), cell('Downloads', spm.number(total.downloads))]);
    }

    const table = (rows) => el('div', {class: 'spm-scroll'}, el('table', {class: 'table spm-table'},
        el('caption', {class: 'sr-only'}, 'Applications'),
        el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'Application'),
            ['Releases', 'Drafts', 'Packages', 'Extensions', 'Size', 'Downloads'].map(
                (name) => el('th', {scope: 'col', class: 'spm-number'}, name)))),
        el('tbody', {}, rows.map(line))));

    /** The application with what its summary tells; one that cannot be read does not hide the others. */
    const summarized = (app) => spm.call('GET', `app/${app._id}/summary`, {limit: 1}).then(
        ({body}) => ({app, total: body.total}), (failure) => ({app, failure}));

    const PackagesView = spm.Page.extend({
        load: async function () {
            spm.forgetEditable();
            const apps = await spm.editable();
            if (!apps.length && !spm.isAdmin()) {
                return spm.nothingToEdit();
            }
            const [rows, place] = await Promise.all([Promise.all(apps.map(summarized)), places()]);
            const toApplication = (app) => girder.router.navigate(`packages/${app._id}`, {trigger: true});
            return el('div', {class: 'spm-page'},
                el('div', {class: 'spm-header'}, el('h1', {class: 'g-body-title'}, 'Packages'),
                    el('div', {class: 'spm-buttons'},
                        place.value !== null && spm.button('Create application', 'plus-squared', 'default',
                            () => create(place, toApplication)),
                        spm.isAdmin() && el('a', {class: 'btn btn-sm btn-default', href: `#${spm.SETTINGS_ROUTE}`},
                            spm.icon('cog'), 'Settings'))),
                rows.length ? table(rows) : el('p', {}, 'There is no application yet.'));
        }
    });

    /** What those see who have nothing to edit. */
    spm.nothingToEdit = () => el('div', {class: 'spm-page'}, el('h1', {class: 'g-body-title'}, 'Packages'),
        girder.auth.getCurrentUser() ? el('p', {}, 'There is nothing here that you may edit.') : el('p', {},
            'Here is what editors of packages work with. ', el('a', {
                href: '#', click: (event) => {
                    event.preventDefault();
                    girder.events.trigger('g:loginUi');
                }
            }, 'Log in'), ' to see what you may edit.'));

    girder.router.route('packages', 'packages', () => {
        girder.events.trigger('g:navigateTo', PackagesView);
        girder.events.trigger('g:highlightItem', 'PackagesView');
    });
}(window.girder));
