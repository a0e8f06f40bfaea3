/* The dialog that makes a release of a draft. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;

    async function promote(app, row, release, done) {
        try {
            await spm.withProgress({
                title: `Promoting ${row.revision} to ${release.name}`,
                request: (more) => spm.call('POST', `app/${app._id}/release/${release._id}/promote`, {
                    revision: row.revision, ...more
                })
            });
            spm.tell(`Revision ${row.revision} is the release “${release.name}” now.`);
        } catch (failure) {
            spm.tellFailure(failure);
        }
        done();
    }

    /**
     * Make the draft `row` of `app` a part of `release`, the one of its revision, or of a new one if there is none.
     * `done` is called in the end.
     */
    spm.promote = function (app, row, release, done) {
        const told = [
            'All packages and extensions of the draft ', el('strong', {class: 'spm-name'}, row.name),
            ` (${spm.contents(row)}) become those of the release`
        ];
        spm.dialog({
            title: `Promote ${row.name}`, submit: 'Promote', icon: 'flag-checkered',
            body: el('p', {}, told, release ? [' ', el('strong', {class: 'spm-name'}, release.name)] : null, '. ',
                'Nothing has to be uploaded again; links and download counts stay. The draft is gone then.'),
            fields: release ? [] : [
                {name: 'name', label: 'Name of the release', placeholder: '5.8.1'},
                {name: 'description', label: 'Description (optional)'},
                {name: 'public', label: 'Everyone may read it', type: 'checkbox', value: app.public}
            ],
            blocked: ({name}) => !release && !name.trim(),
            save: async (values) => {
                const target = release || (await spm.call('POST', `app/${app._id}/release`, {
                    ...values, app_revision: row.revision
                })).body;
                promote(app, row, target, done);
            }
        });
    };
}(window.girder));
