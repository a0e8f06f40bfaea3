// @ts-check
// The page of the plugin's settings, below "Plugins" in the admin console.

import { element, messageOf } from '../dom.js';
import { call, girder, isAdmin, notify, showFailure, warn } from './girder.js';
import { editable } from './nav.js';
import { settingControl } from './setting_controls.js';
import { button, icon, Page } from './widgets.js';

export const PLUGIN = 'slicer_package_manager';
export const SETTINGS_ROUTE = `plugins/${PLUGIN}/config`;
const TITLE = 'Slicer Package Manager';

/**
 * Fields of the form, one for each setting.
 *
 * @type {import('./setting_controls.js').Setting[]}
 */
export const SETTINGS = [
  {
    name: 'link_hosts',
    label: 'Hosts that packages may link to',
    type: 'lines',
    help: 'One on each line, such as github.com, or *.example.org for all hosts below example.org.',
  },
  {
    name: 'link_delivery',
    label: 'Delivery of files that are not on this server’s disk',
    type: 'choice',
    choices: [
      ['auto', 'redirect, or stream to clients that cannot follow redirects'],
      ['redirect', 'redirect all clients'],
      ['stream', 'stream to all clients'],
    ],
  },
  {
    name: 'stream_hosts',
    label: 'Hosts that this server streams from',
    type: 'lines',
    help: 'One on each line. Redirects to other hosts are not followed.',
  },
  {
    name: 'default_app',
    label: 'Default application of the catalog and download pages',
    type: 'application',
    help: 'Automatic: the application with Slicer’s id, else the only public one.',
  },
  {
    name: 'upload_quotas',
    label: 'Quotas of applications',
    type: 'quotas',
    help: 'Largest size of all files of an application together, in GB. Applications without a quota may grow.',
  },
  {
    name: 'checked_applications',
    label: 'Applications whose uploads are checked',
    type: 'applications',
    help:
      'Archives that the command "check" of the client finds wrong are refused: unreadable, for another system, in a ' +
      'folder of another name, or with incomplete metadata.',
  },
  {
    name: 'ready_share',
    label: 'Share of extensions that makes a release or draft ready, in percent',
    type: 'number',
    min: '0',
    max: '100',
    help:
      'Of the extensions that the previous release or draft has for the same system. Until then the previous one is ' +
      'offered as the latest.',
  },
  {
    name: 'ready_expected_share',
    label: 'Share of the expected extensions that makes a release or draft ready, in percent',
    type: 'number',
    min: '0',
    max: '100',
    help: 'Of the extensions in the extension index, weighted by tier, for the same system. 0: the index does not matter.',
  },
  {
    name: 'list_max_age',
    label: 'Seconds for which caches may answer lists without a request to the server',
    type: 'number',
    min: '0',
    max: '3600',
    help: 'For proxies and browsers, and for public lists only. 0: they ask the server each time.',
  },
  {
    name: 'list_cache_mbytes',
    label: 'Memory of each server process for lists, in MiB',
    type: 'number',
    min: '0',
    max: '4096',
  },
  {
    name: 'upload_max_age',
    label: 'Days after which the server deletes an unfinished upload',
    type: 'number',
    min: '0',
    max: '3650',
    help: 'Counted from its last chunk. 0: never.',
  },
  {
    name: 'countries_notice',
    label: 'Notice beside downloads by country',
    type: 'text',
    help: 'What the license of the database of countries requires, such as “IP Geolocation by DB-IP, https://db-ip.com”.',
  },
  {
    name: 'webhook_hosts',
    label: 'Hosts that webhooks may be sent to',
    type: 'lines',
    help: 'One on each line. Authors of extensions are notified there when builds lack their extension.',
  },
  {
    name: 'midas',
    label: 'Answer the addresses of MIDAS, which Slicer 4 requests',
    type: 'checkbox',
  },
  {
    name: 'oidc_issuers',
    label: 'CI services whose workflows may be publishers',
    type: 'issuers',
    help: 'The issuers of their ID tokens, such as https://gitlab.example.org, each with the service whose claims it has.',
  },
];

/** @typedef {Record<string, unknown>} Stored values of settings by key */

const key = (/** @type {string} */ name) => `${PLUGIN}.${name}`;

const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) =>
  JSON.stringify(one) === JSON.stringify(other);

/**
 * Whether two values differ at most in case, since the server stores names of hosts in lower case.
 *
 * @param {unknown} one
 * @param {unknown} other
 */
const alike = (one, other) => JSON.stringify(one).toLowerCase() === JSON.stringify(other).toLowerCase();

/**
 * Save a setting; `null` restores its default. A text is sent as JSON, or "1" would become a number.
 *
 * @param {string} name
 * @param {unknown} value
 */
const put = (name, value) =>
  call('PUT', 'system/setting', {
    list: JSON.stringify([{ key: key(name), value: typeof value === 'string' ? JSON.stringify(value) : value }]),
  });

/** @returns {Promise<Stored>} */
const stored = () => call('GET', 'system/setting', { list: JSON.stringify(SETTINGS.map(({ name }) => key(name))) });

/** A control with the message about its value. */
class Line {
  /**
   * @param {SETTINGS[number]} setting
   * @param {unknown} value
   * @param {(line: Line) => void} reset
   * @param {import('./setting_controls.js').Named[]} apps
   */
  constructor(setting, value, reset, apps) {
    const control = settingControl(setting, value, apps);
    this.name = setting.name;
    this.read = control.read;
    this.write = control.write;
    this.problem = element('div.g-validation-failed-message', { role: 'alert' });
    const label = { 'aria-label': `Default of ${setting.label}` };
    const restore = element(
      'p.spm-default',
      {},
      button('Default', 'ccw', 'link', () => reset(this), label),
    );
    control.element.append(this.problem, restore);
    this.element = control.element;
  }
}

export class SettingsView extends Page {
  /** @type {Stored} */
  before = {};
  /** @type {Line[]} */
  lines = [];

  async load() {
    if (!isAdmin()) return element('p', {}, 'Must be logged in as admin to view this page.');
    const [before, apps] = await Promise.all([stored(), editable()]);
    this.before = before;
    this.lines = SETTINGS.map(
      (setting) => new Line(setting, this.before[key(setting.name)], (line) => this.reset(line), apps),
    );
    const breadcrumb = element('div');
    new girder.views.widgets.PluginConfigBreadcrumbWidget({
      pluginName: TITLE,
      el: breadcrumb,
      parentView: this,
    }).render();
    const form = element(
      'form.g-settings-form',
      { novalidate: '', onsubmit: (/** @type {Event} */ event) => this.save(event) },
      element(
        'div.g-settings-form-container',
        {},
        this.lines.map((line) => line.element),
      ),
      element('button.btn.btn-sm.btn-primary', { type: 'submit' }, icon('edit'), 'Save'),
    );
    return element('div.spm-page', {}, breadcrumb, form);
  }

  /**
   * Save the settings that were changed: each by itself, so that an invalid one does not keep the others from being saved.
   *
   * @param {Event} event
   */
  async save(event) {
    event.preventDefault();
    /** @type {Stored} */
    const saved = {};
    let failed = false;
    for (const line of this.lines) {
      const value = line.read();
      line.problem.textContent = '';
      if (same(value, this.before[key(line.name)])) continue;
      try {
        await put(line.name, value);
        saved[line.name] = value;
      } catch (failure) {
        failed = true;
        line.problem.textContent = messageOf(failure);
      }
    }
    await this.onSaved(saved, failed);
  }

  /**
   * Show the result. Invalid values stay in the form.
   *
   * @param {Stored} saved values by names
   * @param {boolean} failed
   */
  async onSaved(saved, failed) {
    const { before } = this;
    try {
      this.before = await stored();
    } catch (failure) {
      showFailure(failure);
      return;
    }
    for (const [name, value] of Object.entries(saved)) {
      const unchanged = same(this.before[key(name)], before[key(name)]);
      if (value !== null && unchanged && !alike(value, before[key(name)])) {
        const variable = `GIRDER_SETTING_${key(name)}`.replace('.', '_').toUpperCase();
        warn(`The setting is saved, but the server's environment variable ${variable} overrides it.`);
      }
    }
    this.showStored(before, saved);
    if (!failed) notify('The settings are saved.');
  }

  /**
   * Show the stored values, but leave what was typed since.
   *
   * @param {Stored} before
   * @param {Stored} saved what the user has saved by now, by names
   */
  showStored(before, saved) {
    for (const line of this.lines) {
      const value = line.read();
      const name = key(line.name);
      if (same(value, before[name]) || same(value, saved[line.name])) line.write(this.before[name]);
    }
  }

  /** @param {Line} line */
  async reset(line) {
    const { before } = this;
    const value = line.read();
    try {
      await call('DELETE', 'system/setting', { key: key(line.name) });
      this.before = await stored();
    } catch (failure) {
      showFailure(failure);
      return;
    }
    line.problem.textContent = '';
    this.showStored(before, { [line.name]: value });
    notify('The setting has its default again.');
  }
}
