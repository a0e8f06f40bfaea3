// @ts-check
// The footer and the first page of Girder's web client: those of this product, with the way back to the other pages.

import { element, fill } from '../dom.js';
import { girder } from './girder.js';

/** @type {[string, string][]} Pages of the server: names and addresses, relative to this page. */
const PAGES = [
  ['First page', './'],
  ['Extensions', 'catalog'],
  ['Download', 'download'],
  ['REST API', 'api/v1'],
];

const links = () => PAGES.map(([name, href]) => element('a', { href }, name));

/** Show our links in place of those to Girder's documentation and issues. */
export function replaceFooter() {
  girder.utilities.PluginUtils.wrap(girder.views.layout.FooterView, 'render', function (render) {
    render.call(this);
    // The links to the contact and the privacy notice, which an administrator sets, stay.
    const kept = [...this.el.querySelectorAll('#g-contact-link, #g-privacy-notice-link')];
    fill(this.el, element('div.g-footer-links', {}, ...links(), ...kept));
    return this;
  });
}

/** Show what can be done here in place of Girder's welcome. */
export function replaceFrontPage() {
  girder.utilities.PluginUtils.wrap(girder.views.body.FrontPageView, 'render', function () {
    const login = () => girder.events.trigger('g:loginUi');
    const isKnown = Boolean(girder.auth.getCurrentUser());
    fill(
      this.el,
      element(
        'div.spm-page.spm-front',
        {},
        element('h2', {}, this.brandName || 'Administration'),
        element('p', {}, 'Releases, packages, extensions, accounts and settings of this server.'),
        isKnown
          ? element('p', {}, element('a.btn.btn-primary', { href: '#packages' }, 'Packages'))
          : element('p', {}, element('button.btn.btn-primary', { type: 'button', onclick: login }, 'Log in')),
        element('p', {}, 'For everyone: ', ...links().flatMap((one) => [one, ' '])),
      ),
    );
    return this;
  });
}
