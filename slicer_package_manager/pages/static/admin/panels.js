/* On Girder's pages of folders and items, what Girder does not know of them. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    const {wrap} = girder.utilities.PluginUtils;
    const PAGE = 50;

    const panel = (title, link, ...content) => el('section', {class: 'spm-panel', 'aria-label': title}, el(
        'div', {class: 'spm-panel-header'}, el('span', {}, spm.icon('box-1'), ` ${title}`), link), content);

    const facts = (...pairs) => el('dl', {class: 'spm-facts'}, pairs.filter((pair) => pair && pair[1]).map(
        ([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));

    /** A link to another site, if it is one; else its text. */
    const outside = (url) => (/^https?:\/\//i.test(url)
        ? el('a', {href: url, rel: 'noopener noreferrer', target: '_blank'}, url) : url);

    const manage = (app) => el('a', {href: `#packages/${app._id}`}, spm.icon('cog'), ' Manage');

    function file(files, item) {
        if (!files.length) {
            return 'none yet: it is not listed to those who may only read';
        }
        const link = files.find((one) => one.linkUrl);
        const stored = files[files.length - 1];
        const download = el('a', {href: item.downloadUrl()}, stored.name);
        return link ? [download, ', hosted at ', outside(link.linkUrl)] : [download, ', stored on this server'];
    }

    async function itemPanel(item) {
        const meta = item.get('meta') || {};
        if (!/^[0-9a-f]{24}$/.test(meta.app_id) || typeof meta.baseName !== 'string') {
            return null;
        }
        const kind = meta.app_revision === undefined ? 'package' : 'extension';
        const {body: [found]} = await spm.call('GET', `app/${meta.app_id}/${kind}`, {
            [`${kind}_id`]: item.id, with_downloads: true
        });
        if (!found) {
            return null;
        }
        const [{body: app}, {body: files}, apps] = await Promise.all([
            spm.call('GET', `app/${meta.app_id}`), spm.call('GET', `item/${item.id}/files`), spm.editable()]);
        const known = found.meta;
        return panel(
            kind === 'package' ? 'Package' : 'Extension',
            apps.some((one) => one._id === app._id) && manage(app),
            facts(
                ['Application', app.name],
                ['Identity', `${known.baseName} for ${known.os} ${known.arch}, ` + (kind === 'package'
                    ? `revision ${known.revision}` : `revision ${known.app_revision} of the application`)],
                ['Version', known.version],
                kind === 'package' ? ['In', known.release ? `release ${known.release}` : 'a draft']
                    : ['Revision', known.revision],
                ['File', file(files, item)],
                ['SHA-512', known.sha512 && el('code', {}, known.sha512)],
                ['Downloads', spm.number(found.downloads)]));
    }

    /** The row of a release or draft in a summary, and the systems of its like; drafts come in pages. */
    async function rowOf(appId, id) {
        for (const limit of [PAGE, 0]) {
            const {body} = await spm.call('GET', `app/${appId}/summary`, {limit});
            for (const [title, rows] of [['Release', body.releases], ['Draft', body.drafts]]) {
                const row = rows.find((one) => one._id === id);
                if (row) {
                    return {title, row, systems: spm.systemsOf(rows)};
                }
            }
        }
        return null;
    }

    const isApplication = (model) => model.resourceName === 'folder' && Object.values(spm.KINDS).some(
        ({key}) => (model.get('meta') || {})[key] !== undefined);

    async function applicationPanel(appId, link) {
        const {body: {total}} = await spm.call('GET', `app/${appId}/summary`, {limit: 1});
        return panel('Application', link, facts(
            ['Contents', `${spm.counted(total.releases, 'release')}, ${spm.counted(total.drafts, 'draft')}, ` +
                `${spm.counted(total.packages, 'package')}, ${spm.counted(total.extensions, 'extension')}`],
            ['Size', spm.size(total.size)], ['Downloads', spm.number(total.downloads)]));
    }

    /** What the folder at the end of `models`, the way to it, is: an application, or a release or draft of one. */
    async function folderPanel(models) {
        const at = models.findIndex(isApplication);
        if (at < 0) {
            return null;
        }
        // Below an application: a release, or the folder of the drafts and then a draft.
        const below = models.slice(at + 1);
        const inDrafts = below.length > 0 && below[0].name() === 'draft';
        const place = below[inDrafts ? 1 : 0];
        if (below.length > (inDrafts ? 2 : 1) || (inDrafts && !place)) {
            return null;
        }
        const appId = models[at].id;
        const apps = await spm.editable();
        const link = apps.some((one) => one._id === appId) && manage({_id: appId});
        if (!place) {
            return applicationPanel(appId, link);
        }
        const found = await rowOf(appId, place.id);
        return found && panel(found.title, link, spm.table([found.row], {
            systems: found.systems, caption: found.row.name, revision: found.title === 'Release'
        }));
    }

    /** Put a panel, once it is there, where `place()` says; a failure costs the page nothing but the panel. */
    async function add(making, place) {
        let made = null;
        try {
            made = await making;
        } catch (failure) {
            return;
        }
        const where = made && place();
        if (where) {
            where(made);
        }
    }

    wrap(girder.views.body.ItemView, 'render', function (render) {
        render.call(this);
        const turn = this.spmTurn = {};
        // Girder draws the page once it knows the level of access.
        const drawn = this.model.has('_accessLevel') || new Promise(
            (resolve) => this.model.once('change:_accessLevel', resolve));
        add(Promise.all([itemPanel(this.model), drawn]).then(([made]) => made), () => {
            const info = this.el && this.el.querySelector('.g-item-info');
            return this.spmTurn === turn && info && ((made) => info.after(made));
        });
        return this;
    });

    wrap(girder.views.widgets.HierarchyWidget, 'render', function (render) {
        render.call(this);
        // In the dialogs where folders are chosen there is no room.
        const turn = this.spmTurn = {};
        if (this._routing && this._showActions && this.parentModel.resourceName === 'folder') {
            add(folderPanel(this.breadcrumbs), () => {
                const list = this.el && this.el.querySelector('.g-folder-list-container');
                return this.spmTurn === turn && list && ((made) => list.before(made));
            });
        }
        return this;
    });
}(window.girder));
