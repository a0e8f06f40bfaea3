/* The dialog that deletes old drafts, after it has shown which. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;

    const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

    const isRule = (value) => value === null || (Number.isInteger(value) && value >= 0);

    function planned(rows) {
        if (!rows.length) {
            return el('p', {}, 'No draft would be deleted.');
        }
        const size = rows.reduce((total, row) => total + row.bytes, 0);
        return [
            el('p', {}, el('strong', {}, `${spm.counted(rows.length, 'draft')} (${spm.size(size)}) will be deleted:`)),
            el('div', {class: 'spm-plan'}, el('table', {class: 'table table-condensed'},
                el('thead', {}, el('tr', {}, ['Revision', 'Created', 'Packages', 'Extensions', 'Size'].map(
                    (name) => el('th', {scope: 'col'}, name)))),
                el('tbody', {}, rows.map((row) => el('tr', {},
                    el('th', {scope: 'row', class: 'spm-name'}, row.name), el('td', {}, spm.day(row.created)),
                    el('td', {}, spm.number(row.packages)), el('td', {}, spm.number(row.extensions)),
                    el('td', {}, spm.size(row.bytes))))))) ];
    }

    async function prune(app, rules, rows, done) {
        const before = (await spm.call('GET', `app/${app._id}/summary`, {limit: 1})).total;
        try {
            const {body} = await spm.withProgress({
                title: `Deleting ${spm.counted(rows.length, 'draft')} of ${app.name}`, total: rows.length,
                left: async () => {
                    const {total} = await spm.call('GET', `app/${app._id}/summary`, {limit: 1});
                    return Math.max(rows.length - (before - total), 0);
                },
                request: (more) => spm.call('DELETE', `app/${app._id}/draft`, {...rules, ...more})
            });
            spm.tell(`${spm.counted(body.filter((row) => row.deleted).length, 'draft')} deleted.`);
        } catch (failure) {
            spm.tellFailure(failure);
        }
        done();
    }

    /** Ask which drafts of `app` are to go, show them, and delete them; `done` is called in the end. */
    spm.prune = function (app, done) {
        let plan = null;  // what was shown, and the rules that it is for
        const area = el('div', {'aria-live': 'polite'});
        const forget = () => {
            plan = null;
            area.replaceChildren();
        };
        const show = async () => {
            const rules = given(dialog.read());
            area.replaceChildren(spm.waiting('Looking…'));
            showing.disabled = true;
            try {
                const {body} = await spm.call('DELETE', `app/${app._id}/draft`, {...rules, dry_run: true});
                plan = {rules, rows: body};
                area.replaceChildren(...[planned(body)].flat());
            } catch (failure) {
                forget();
                area.append(el('p', {class: 'g-validation-failed-message'}, failure.message));
            }
            showing.disabled = false;
            dialog.update();
        };
        const showing = spm.button('Show what would go', 'search', 'default', show);
        const dialog = spm.dialog({
            title: `Prune drafts of ${app.name}`, submit: 'Delete these drafts', icon: 'trash', style: 'danger',
            body: el('p', {}, 'Deletes old drafts with all their packages and extensions. Releases and download ' +
                'counts stay. With both rules, a draft goes only where both say so.'),
            fields: [
                {name: 'keep', label: 'Keep the newest', type: 'number', min: '0', value: 10, changed: forget},
                {name: 'older_than_days', label: 'Only those that are older than so many days (optional)',
                 type: 'number', min: '0', changed: forget}
            ],
            footer: [showing, area],
            blocked: (values) => {
                showing.disabled = !Object.values(values).every(isRule) || !Object.keys(given(values)).length;
                return !plan || !plan.rows.length;
            },
            save: () => {
                prune(app, plan.rules, plan.rows, done);
                return Promise.resolve();
            }
        });
    };
}(window.girder));
