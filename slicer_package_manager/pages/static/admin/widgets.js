// @ts-check
// Small elements in the look of Girder's web client, and the base class of the pages.

import { element, fill, messageOf } from '../dom.js';
import { girder, showFailure } from './girder.js';

/**
 * One of Girder's icons; without a title it is decoration.
 *
 * @param {string} name
 * @param {string} [title]
 */
export const icon = (name, title) =>
  title
    ? element('i', { class: `icon-${name}`, title, role: 'img', 'aria-label': title })
    : element('i', { class: `icon-${name}`, 'aria-hidden': 'true' });

/**
 * A button.
 *
 * @param {string} text
 * @param {string | null} iconName
 * @param {string} style one of Bootstrap's, such as `danger`
 * @param {(event: Event) => void} onclick
 * @param {Object<string, unknown>} [more] properties
 */
export const button = (text, iconName, style, onclick, more) =>
  element(
    'button',
    { type: 'button', class: `btn btn-sm btn-${style}`, onclick, ...more },
    iconName && icon(iconName),
    text,
  );

/**
 * A day, with the time as its tooltip.
 *
 * @param {string} time
 */
export const day = (time) =>
  element(
    'span.spm-day',
    { title: girder.misc.formatDate(time, girder.misc.DATE_SECOND) },
    girder.misc.formatDate(time, girder.misc.DATE_YYMMDD),
  );

export const spinner = (text = 'Loading…') =>
  element('div.spm-waiting', {}, element('i', { class: 'icon-spin4 animate-spin' }), ` ${text}`);

/**
 * Links to the pages above.
 *
 * @param {...[text: string, route?: string]} entries the last one, without a route, is the page itself
 */
export const breadcrumb = (...entries) =>
  element(
    'ol.breadcrumb.spm-breadcrumb',
    {},
    entries.map(([text, route]) =>
      element('li', { class: route ? null : 'active' }, route ? element('a', { href: `#${route}` }, text) : text),
    ),
  );

/**
 * A heading with buttons beside it.
 *
 * @param {HTMLElement} heading
 * @param {...Content} buttons
 */
export const header = (heading, ...buttons) =>
  element('div.spm-header', {}, heading, element('div.spm-buttons', {}, buttons));

/** Page without content, for users who may not edit anything there. */
export function nothingToEdit() {
  const login = (/** @type {Event} */ event) => {
    event.preventDefault();
    girder.events.trigger('g:loginUi');
  };
  return element(
    'div.spm-page',
    {},
    element('h1.g-body-title', {}, 'Packages'),
    girder.auth.getCurrentUser()
      ? element('p', {}, 'There is nothing here that you may edit.')
      : element(
          'p',
          {},
          'This page is for editors of packages. ',
          element('a', { href: '#', onclick: login }, 'Log in'),
          ' to see what you may edit.',
        ),
  );
}

/** Base class of the pages: subclasses load what they need and return what is shown. */
export class Page extends girder.views.View {
  /** @param {{id?: string}} settings of the route */
  constructor(settings) {
    girder.rest.cancelRestRequests('fetch');
    super(settings);
    this.settings = settings;
    /** Identifies the latest load; `null` after the user left the page. @type {object | null} */
    this.turn = null;
    this.isShown = false;
    // Not before the constructors of subclasses have run.
    queueMicrotask(() => this.reload());
  }

  /** @returns {Promise<Element>} */
  async load() {
    throw new Error('A page has to load something.');
  }

  /** Load and show again. A result is dropped if the user left the page, or if another load began in the meantime. */
  async reload() {
    const turn = {};
    this.turn = turn;
    if (!this.isShown) this.show(spinner());
    let content;
    try {
      content = await this.load();
    } catch (failure) {
      content = element(
        'div.spm-page',
        {},
        breadcrumb(['Packages', 'packages']),
        element('div.alert.alert-danger', {}, messageOf(failure)),
      );
    }
    if (this.turn === turn) {
      this.isShown = true;
      this.show(content);
    }
  }

  /** @param {Element} content */
  show(content) {
    fill(this.el, content);
  }

  /**
   * Do `work`, show a failure as an alert, and reload in either case.
   *
   * @param {() => Promise<void>} work
   */
  async attempt(work) {
    try {
      await work();
    } catch (failure) {
      showFailure(failure);
    }
    await this.reload();
  }

  /** Reload unless the user left the page. */
  reloadIfOpen() {
    if (this.turn) this.reload();
  }

  destroy() {
    this.turn = null;
    super.destroy();
  }
}
