/* The entry "Packages" in Girder's navigation, for whoever may edit something there. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    let known = null;

    /** The applications in which the user may edit something: a promise, asked for once for each login. */
    spm.editable = function () {
        const user = girder.auth.getCurrentUser();
        if (!user) {
            return Promise.resolve([]);
        }
        if (!known || known.user !== user.id) {
            const asked = {user: user.id};
            asked.answer = spm.call('GET', 'slicer_package_manager/editable').then(({body}) => body, (failure) => {
                known = known === asked ? null : known;
                throw failure;
            });
            known = asked;
        }
        return known.answer;
    };

    spm.forgetEditable = () => {
        known = null;
    };
    girder.events.on('g:login', spm.forgetEditable);

    function entry() {
        return spm.el('li', {class: 'g-global-nav-li'}, spm.el(
            'a', {class: 'g-nav-link', 'g-target': 'packages', 'g-name': 'Packages', href: '#packages'},
            spm.icon('box-1'), spm.el('span', {}, 'Packages')));
    }

    async function addEntry(view) {
        const user = girder.auth.getCurrentUser();
        let wanted = spm.isAdmin();
        try {
            wanted = wanted || (await spm.editable()).length > 0;
        } catch (failure) {
            spm.tellFailure(failure);
        }
        if (!wanted || girder.auth.getCurrentUser() !== user || view.$('[g-name="Packages"]').length) {
            return;
        }
        view.$('.g-global-nav-li').first().after(entry());
        if (/^packages\b/.test(girder.Backbone.history.fragment || '')) {
            view.selectForView('PackagesView');
        }
    }

    girder.utilities.PluginUtils.wrap(girder.views.layout.GlobalNavView, 'render', function (render) {
        render.call(this);
        addEntry(this);
        return this;
    });
}(window.girder));
