/* The page of the plugin's settings, below "Plugins" in the admin console. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    const PREFIX = 'slicer_package_manager';
    const NAME = 'Slicer Package Manager';

    spm.SETTINGS_ROUTE = `plugins/${PREFIX}/config`;

    /** What the form asks for, one line for each setting; types and the rest are those of `spm.field`. */
    spm.SETTINGS = [
        {name: 'link_hosts', label: 'Hosts that packages may link to', type: 'lines', help: 'One on each line, such as github.com, or *.example.org for all hosts below example.org.'},
        {name: 'link_delivery', label: 'How files leave that are not on this server’s disk', type: 'choice', choices: [['auto', 'redirect, or stream to clients that cannot follow redirects'], ['redirect', 'redirect all clients'], ['stream', 'stream to all clients']]},
        {name: 'stream_hosts', label: 'Hosts that this server streams from', type: 'lines', help: 'One on each line; redirects only lead to these.'},
        {name: 'default_app', label: 'Application of pages whose address names none', type: 'text', help: 'Its id. Empty: the one with Slicer’s id, else the only public one.'},
        {name: 'upload_quotas', label: 'Bytes that the files of an application may have together', type: 'json', help: 'By id of the application, and "default" for all others: {"default": 1000000000000}. Without either there is no limit.'},
        {name: 'ready_share', label: 'Share of extensions that makes a release or draft ready, in percent', type: 'number', min: '0', max: '100', help: 'Of the extensions that the one before has for the same system. Until then the one before is offered as the latest.'},
        {name: 'list_max_age', label: 'Seconds for which caches may answer lists without asking', type: 'number', min: '0', max: '3600', help: 'Proxies and browsers, for what everybody may read. 0: they ask each time.'},
        {name: 'list_cache_mbytes', label: 'Memory of each server process for lists, in MiB', type: 'number', min: '0', max: '4096'},
        {name: 'upload_max_age', label: 'Days after which an upload that stands still is given up', type: 'number', min: '0', max: '3650', help: '0: never.'}
    ];

    const key = (name) => `${PREFIX}.${name}`;

    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

    /** Whether two values differ at most by what the server makes of names of hosts. */
    const alike = (one, other) => JSON.stringify(one).toLowerCase() === JSON.stringify(other).toLowerCase();

    /** Save a setting, or have its default again for `null`. A text is sent as JSON, or "1" would become a number. */
    const put = (name, value) => spm.call('PUT', 'system/setting', {
        list: JSON.stringify([{key: key(name), value: typeof value === 'string' ? JSON.stringify(value) : value}])
    });

    async function stored() {
        const {body} = await spm.call('GET', 'system/setting', {
            list: JSON.stringify(spm.SETTINGS.map(({name}) => key(name)))
        });
        return body;
    }

    const SettingsView = spm.Page.extend({
        load: async function () {
            if (!spm.isAdmin()) {
                return el('p', {}, 'Must be logged in as admin to view this page.');
            }
            this.before = await stored();
            this.controls = spm.SETTINGS.map((setting) => spm.field({...setting, value: this.before[key(setting.name)]}));
            this.wrong = this.controls.map(() => el('div', {class: 'g-validation-failed-message', role: 'alert'}));
            const breadcrumb = el('div');
            new girder.views.widgets.PluginConfigBreadcrumbWidget({
                pluginName: NAME, el: breadcrumb, parentView: this
            }).render();
            return el('div', {class: 'spm-page'}, breadcrumb, el(
                'form', {class: 'g-settings-form', novalidate: '', submit: (event) => this.save(event)},
                el('div', {class: 'g-settings-form-container'}, this.controls.map((control, index) => {
                    control.element.append(this.wrong[index], el('p', {class: 'spm-default'}, spm.button(
                        'Default', 'ccw', 'link', () => this.reset(control.name),
                        {'aria-label': `Default of ${spm.SETTINGS[index].label}`})));
                    return control.element;
                })),
                el('button', {type: 'submit', class: 'btn btn-sm btn-primary'}, spm.icon('edit'), 'Save')));
        },

        /** Save what was changed: each setting by itself, so that a wrong one does not keep the others from it. */
        save: async function (event) {
            event.preventDefault();
            const saved = {};
            let failed = false;
            for (const [index, {name, read}] of this.controls.entries()) {
                const value = read();
                this.wrong[index].textContent = '';
                if (!same(value, this.before[key(name)])) {
                    try {
                        await put(name, value);
                        saved[name] = value;
                    } catch (failure) {
                        failed = true;
                        this.wrong[index].textContent = failure.message;
                    }
                }
            }
            await this.saved(saved, failed);
        },

        /** Tell what came of it. The form stays as it is where something has to be mended. */
        saved: async function (saved, failed) {
            const before = this.before;
            try {
                this.before = await stored();
            } catch (failure) {
                spm.tellFailure(failure);
                return;
            }
            const overridden = Object.keys(saved).filter((name) => saved[name] !== null &&
                same(this.before[key(name)], before[key(name)]) && !alike(saved[name], before[key(name)]));
            overridden.forEach((name) => spm.warn(`The setting is saved, but the server's environment variable ${
                `GIRDER_SETTING_${key(name)}`.replace('.', '_').toUpperCase()} goes before it.`));
            if (!failed) {
                spm.tell('The settings are saved.');
                await this.reload();
            }
        },

        reset: function (name) {
            return this.attempt(async () => {
                await spm.call('DELETE', 'system/setting', {key: key(name)});
                spm.tell('The default holds again.');
            });
        }
    });

    girder.router.route(spm.SETTINGS_ROUTE, 'packagesSettings', () => {
        girder.events.trigger('g:navigateTo', SettingsView);
    });
    girder.utilities.PluginUtils.exposePluginConfig(PREFIX, spm.SETTINGS_ROUTE);
}(window.girder));
