/* The page of one application: its releases and drafts, and what can be done with them. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el, AccessType} = spm;
    const PAGE = 25;

    const path = (app, ...parts) => ['app', app._id, ...parts].map(spm.part).join('/');

    /** How many things the release or draft `id` has left. */
    async function thingsLeft(app, id) {
        const {body} = await spm.call('GET', path(app, 'summary'), {limit: 0});
        const row = [...body.releases, ...body.drafts].find((one) => one._id === id);
        return row ? spm.things(row) : 0;
    }

    const ApplicationView = spm.Page.extend({
        offset: 0,

        load: async function () {
            if (!girder.auth.getCurrentUser()) {
                return spm.nothingToEdit();
            }
            const {body} = await spm.call('GET', path({_id: this.settings.id}, 'summary'),
                {limit: PAGE, offset: this.offset});
            const mine = (row) => body.app.access >= AccessType.WRITE || row.access >= AccessType.WRITE;
            const releases = body.releases.filter(mine);
            const drafts = body.drafts.filter(mine).map((row) => ({...row, isDraft: true}));
            if (body.app.access < AccessType.WRITE && !releases.length && !drafts.length && !this.offset) {
                return spm.nothingToEdit();
            }
            if (!drafts.length && this.offset) {
                this.offset = Math.max(this.offset - PAGE, 0);
                return this.load();
            }
            return this.page(body.app, releases, drafts, body.total);
        },

        page: function (app, releases, drafts, total) {
            const edits = app.access >= AccessType.WRITE;
            const systems = spm.systemsOf([...releases, ...drafts]);
            const options = {systems, ready: (row, word) => this.say(app, row, word)};
            const title = (text, ...buttons) => el('div', {class: 'spm-header'}, el('h2', {}, text),
                el('div', {class: 'spm-buttons'}, buttons));
            return el('div', {class: 'spm-page'},
                spm.breadcrumb(['Packages', 'packages'], [app.name]),
                this.header(app, total),
                title('Releases', edits && spm.button('Create release', 'plus-squared', 'default',
                    () => this.createRelease(app))),
                releases.length ? [spm.table(releases, {
                    ...options, caption: 'Releases', revision: true, actions: (row) => this.actions(app, row, false)
                }), spm.legend()] : el('p', {}, 'There is no release yet.'),
                title('Drafts', app.access >= AccessType.ADMIN && total.drafts > 0 && spm.button(
                    'Prune drafts…', 'trash', 'default', () => this.prune(app))),
                drafts.length ? [spm.table(drafts, {
                    ...options, caption: 'Drafts', actions: (row) => this.actions(app, row, true, releases)
                }), !releases.length && spm.legend(), this.pager(total.drafts)] : el('p', {}, 'There is no draft.'),
                this.names(app));
        },

        header: function (app, total) {
            const facts = [
                spm.counted(total.releases, 'release'), spm.counted(total.drafts, 'draft'),
                spm.counted(total.packages, 'package'), spm.counted(total.extensions, 'extension'),
                spm.size(total.size), spm.counted(total.downloads, 'download')];
            return [
                el('div', {class: 'spm-header'},
                    el('h1', {class: 'g-body-title spm-name'}, app.name, ' ',
                        app.public ? spm.icon('globe', 'Public') : spm.icon('lock', 'Private')),
                    el('div', {class: 'spm-buttons'},
                        el('a', {class: 'btn btn-sm btn-default', href: `#folder/${app._id}`}, spm.icon('folder-open'),
                            'Folder'),
                        app.access >= AccessType.ADMIN && spm.button('Delete application', 'trash', 'danger',
                            () => this.deleteApplication(app, total)))),
                app.description && el('p', {class: 'spm-description'}, spm.plain(app.description)),
                el('p', {class: 'spm-totals'}, facts.map((fact) => el('span', {}, fact)))];
        },

        names: function (app) {
            return [
                el('div', {class: 'spm-header'}, el('h2', {}, 'Names'), el('div', {class: 'spm-buttons'},
                    app.access >= AccessType.WRITE && spm.button('Edit', 'edit', 'default',
                        () => spm.editTemplates(app, () => this.reload())))),
                el('dl', {class: 'spm-facts'}, Object.entries(spm.KINDS).map(([kind, {label}]) => [
                    el('dt', {}, label), el('dd', {}, el('code', {}, app.templates[kind]))]))];
        },

        actions: function (app, row, isDraft, releases) {
            const release = isDraft && releases.find((one) => one.revision === row.revision);
            return [
                isDraft && Math.min(row.access, (release || app).access) >= AccessType.WRITE && spm.button(
                    'Promote', 'flag-checkered', 'default', () => this.promote(app, row, release),
                    {'aria-label': `Promote ${row.name}`}),
                row.access >= AccessType.ADMIN && spm.button(
                    '', 'trash', 'default', () => this.deleteRow(app, row, isDraft),
                    {title: 'Delete', 'aria-label': `Delete ${row.name}`})];
        },

        pager: function (total) {
            if (total <= PAGE) {
                return null;
            }
            const go = (offset) => () => {
                this.offset = offset;
                this.reload();
            };
            const last = Math.min(this.offset + PAGE, total);
            return el('div', {class: 'spm-pager'},
                spm.button('« Newer', null, 'default', go(this.offset - PAGE), {disabled: this.offset === 0}),
                el('span', {}, `${spm.number(this.offset + 1)} to ${spm.number(last)} of ${spm.number(total)}`),
                spm.button('Older »', null, 'default', go(this.offset + PAGE), {disabled: last === total}));
        },

        say: function (app, row, word) {
            const place = row.isDraft ? 'draft' : 'release';
            return this.attempt(() => spm.call('PUT', path(app, place, row._id, 'ready'), {ready: word}));
        },

        createRelease: function (app) {
            spm.dialog({
                title: `Create release of ${app.name}`, submit: 'Create', icon: 'plus-squared',
                fields: [
                    {name: 'name', label: 'Name', placeholder: '5.8.1'},
                    {name: 'app_revision', label: 'Revision', placeholder: '33241',
                     help: 'What is uploaded for this revision of the application goes into the release from now on.'},
                    {name: 'description', label: 'Description (optional)'},
                    {name: 'public', label: 'Everyone may read it', type: 'checkbox', value: app.public,
                     help: app.public ? null : 'The application is private, so its releases are, too.'}
                ],
                blocked: ({name, app_revision: revision}) => !name.trim() || !revision.trim(),
                save: async (values) => {
                    const {body} = await spm.call('POST', path(app, 'release'), values);
                    spm.tell(`The release “${body.name}” is created.`);
                    this.reload();
                }
            });
        },

        deleteApplication: function (app, total) {
            spm.confirm({
                title: 'Delete application', submit: 'Delete', name: app.name,
                body: el('p', {}, 'This deletes ', el('strong', {class: 'spm-name'}, app.name), ' with ',
                    `${spm.counted(total.releases, 'release')}, ${spm.counted(total.drafts, 'draft')}, `,
                    `${spm.counted(total.packages, 'package')} and ${spm.counted(total.extensions, 'extension')} `,
                    `(${spm.size(total.size)}). It cannot be undone. Download counts stay.`),
                save: () => this.deleteThing({
                    title: `Deleting application ${app.name}`, where: path(app), told: 'application', name: app.name,
                    total: total.packages + total.extensions,
                    left: async () => {
                        const {body} = await spm.call('GET', path(app, 'summary'), {limit: 1});
                        return body.total.packages + body.total.extensions;
                    },
                    done: () => {
                        spm.forgetEditable();
                        girder.router.navigate('packages', {trigger: true});
                    }
                })
            });
        },

        deleteRow: function (app, row, isDraft) {
            const what = isDraft ? 'draft' : 'release';
            spm.confirm({
                title: `Delete ${what}`, submit: 'Delete', name: isDraft ? undefined : row.name,
                body: el('p', {}, `This deletes the ${what} `, el('strong', {class: 'spm-name'}, row.name),
                    ` of ${app.name} with ${spm.contents(row)}. It cannot be undone. Download counts stay.`),
                save: () => this.deleteThing({
                    title: `Deleting ${what} ${row.name}`, where: path(app, 'release', row._id), told: what,
                    name: row.name, total: spm.things(row), left: () => thingsLeft(app, row._id),
                    done: () => this.reload()
                })
            });
        },

        deleteThing: async function ({title, where, told, name, total, left, done}) {
            try {
                await spm.withProgress({title, total, left, request: (more) => spm.call('DELETE', where, more)});
                spm.tell(`The ${told} “${name}” is deleted.`);
            } catch (failure) {
                spm.tellFailure(failure);
            }
            // The user may have gone elsewhere meanwhile.
            if (this.turn) {
                done();
            }
        },

        promote: function (app, row, release) {
            spm.promote(app, row, release, () => this.turn && this.reload());
        },

        prune: function (app) {
            spm.prune(app, () => this.turn && this.reload());
        }
    });

    girder.router.route('packages/:id', 'packagesOfApplication', (id) => {
        girder.events.trigger('g:navigateTo', ApplicationView, {id});
        girder.events.trigger('g:highlightItem', 'PackagesView');
    });
}(window.girder));
