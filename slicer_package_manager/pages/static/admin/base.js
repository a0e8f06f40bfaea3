/*
 * What the views of the plugin share. Pages are made of elements and texts, never of HTML, so that no name,
 * description or message of the server is ever taken for markup.
 */
(function (girder) {
    'use strict';

    const spm = {};
    girder.pluginUtils.registerPluginNamespace('slicer_package_manager', spm);

    // Girder's client sends large GET and PUT requests as POST and names the method in a header, which proxies drop and
    // this server believes for PUT alone. The server takes long addresses, so send what is meant.
    girder.$.ajaxPrefilter((options) => {
        const method = (options.headers || {})['X-HTTP-Method-Override'];
        if (method) {
            options.type = method;
            delete options.headers['X-HTTP-Method-Override'];
        }
    });

    const PROPERTIES = ['value', 'checked', 'disabled', 'required', 'selected'];

    /**
     * An element. Functions among the properties listen to the event they are named after.
     * @param children texts, elements and arrays of these; null, undefined and false leave nothing behind.
     */
    spm.el = function (tag, properties, ...children) {
        const element = document.createElement(tag);
        Object.entries(properties || {}).forEach(([name, value]) => {
            if (typeof value === 'function') {
                element.addEventListener(name, value);
            } else if (PROPERTIES.includes(name)) {
                element[name] = value;
            } else if (value !== null && value !== undefined) {
                element.setAttribute(name, value);
            }
        });
        element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined &&
                                                                    child !== false));
        return element;
    };

    /** One of Girder's icons; with a title it says something, else it is an ornament. */
    spm.icon = (name, title) => spm.el('i', title ? {class: `icon-${name}`, title, role: 'img', 'aria-label': title}
        : {class: `icon-${name}`, 'aria-hidden': 'true'});

    /** A button in Girder's look; `style` is one of Bootstrap's, such as `danger`. */
    spm.button = (text, iconName, style, listener, more) => spm.el(
        'button', {type: 'button', class: `btn btn-sm btn-${style}`, click: listener, ...more},
        iconName && spm.icon(iconName), text);

    spm.AccessType = girder.constants.AccessType;

    /** A request that failed; the message is the server's. */
    class Failure extends Error {
        constructor(xhr) {
            const told = xhr.responseJSON && xhr.responseJSON.message;
            super(told || (xhr.status ? `The server answered with status ${xhr.status}.`
                : 'The server cannot be reached.'));
            this.status = xhr.status;
        }
    }

    /**
     * Call the REST API.
     * @returns a promise of `{body, total}`, where `total` is the number of things that a list is a page of. Fails
     *     with the server's message; whoever is not logged in any more is asked to be.
     */
    spm.call = function (method, path, parameters) {
        // Parameters of DELETE do not go into a body: Girder reads none.
        const inPath = method === 'DELETE' && parameters;
        return new Promise((resolve, reject) => {
            girder.rest.restRequest({
                method,
                url: inPath ? `${path}?${girder.$.param(parameters)}` : path,
                data: inPath ? undefined : parameters,
                error: null
            }).done((body, _, xhr) => {
                resolve({body, total: Number(xhr.getResponseHeader('Girder-Total-Count'))});
            }).fail((xhr) => {
                if (xhr.status === 401 && girder.auth.getCurrentUser()) {
                    girder.auth.setCurrentUser(null);
                    girder.auth.setCurrentToken(null);
                    girder.events.trigger('g:loginUi');
                }
                reject(new Failure(xhr));
            });
        });
    };

    spm.Failure = Failure;

    /** A part of a path, whatever characters it holds. */
    spm.part = encodeURIComponent;

    spm.tell = (text) => girder.events.trigger('g:alert', {icon: 'ok', text, type: 'success', timeout: 4000});

    /** Shows why something failed until it is closed: a message may name several things to mend. */
    spm.tellFailure = (failure) => girder.events.trigger('g:alert', {
        icon: 'cancel', text: failure.message, type: 'danger', timeout: 0
    });

    spm.warn = (text) => girder.events.trigger('g:alert', {icon: 'attention', text, type: 'warning', timeout: 0});

    spm.size = girder.misc.formatSize;

    spm.number = (count) => Number(count || 0).toLocaleString('en');

    spm.counted = (count, one, many) => `${spm.number(count)} ${count === 1 ? one : many || `${one}s`}`;

    /** A day, with the moment as its tooltip. */
    spm.day = (moment) => spm.el(
        'span', {class: 'spm-day', title: girder.misc.formatDate(moment, girder.misc.DATE_SECOND)},
        girder.misc.formatDate(moment, girder.misc.DATE_YYMMDD));

    /** What a description in HTML says, without its markup. */
    spm.plain = (html) => new DOMParser().parseFromString(html || '', 'text/html').body.textContent;

    spm.isAdmin = () => Boolean(girder.auth.getCurrentUser() && girder.auth.getCurrentUser().get('admin'));

    spm.waiting = (text) => spm.el('div', {class: 'spm-waiting'}, spm.el('i', {class: 'icon-spin4 animate-spin'}),
        ` ${text || 'Loading…'}`);

    spm.breadcrumb = (...entries) => spm.el('ol', {class: 'breadcrumb spm-breadcrumb'}, entries.map(
        ([text, route]) => spm.el('li', {class: route ? null : 'active'},
            route ? spm.el('a', {href: `#${route}`}, text) : text)));

    /** The one body view of all pages: subclasses load what they need and say what is shown. */
    spm.Page = girder.views.View.extend({
        initialize: function (settings) {
            girder.rest.cancelRestRequests('fetch');
            this.settings = settings;
            this.reload();
        },

        /** Load and show again; what comes in after the page was left, or loaded once more, is dropped. */
        reload: async function () {
            const turn = this.turn = {};
            if (!this.shown) {
                this.show(spm.waiting());
            }
            let content;
            try {
                content = await this.load();
            } catch (failure) {
                content = spm.el('div', {class: 'spm-page'}, spm.breadcrumb(['Packages', 'packages']),
                    spm.el('div', {class: 'alert alert-danger'}, failure.message));
            }
            if (this.turn === turn) {
                this.shown = true;
                this.show(content);
            }
        },

        show: function (content) {
            this.el.replaceChildren(content);
        },

        /** Do `work`, tell when it fails, and show what is there now in either case. */
        attempt: async function (work) {
            try {
                await work();
            } catch (failure) {
                spm.tellFailure(failure);
            }
            await this.reload();
        },

        destroy: function () {
            this.turn = null;
            girder.views.View.prototype.destroy.call(this);
        }
    });
}(window.girder));
