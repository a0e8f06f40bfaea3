// @ts-check
// The dialog for the templates of item names. The server renders the examples, since the rule of templates is its own.

import { element, fill, messageOf } from '../dom.js';
import { debounced } from './debounce.js';
import { showDialog } from './dialogs.js';
import { call, callWithJson, notify } from './girder.js';

/** Pause after the last letter before an example is requested, in milliseconds. */
const PAUSE = 250;

/** @typedef {'package' | 'extension'} TypeName */

/**
 * Package types: the label of their template, and its metadata key in the folder of the application.
 *
 * @type {Record<TypeName, {label: string, key: string}>}
 */
export const PACKAGE_TYPES = {
  package: { label: 'Packages', key: 'applicationPackageNameTemplate' },
  extension: { label: 'Extensions', key: 'extensionPackageNameTemplate' },
};
const NAMES = /** @type {TypeName[]} */ (Object.keys(PACKAGE_TYPES));

/**
 * The name that a template gives to an example, and the keys that it may contain.
 *
 * @param {TypeName} type
 * @param {string} template
 * @returns {Promise<{name: string, keys: string[]}>}
 */
const exampleOf = (type, template) =>
  call('GET', 'slicer_package_manager/name_template_example', { package_type: type, template });

/** One template in the dialog: its example, the keys that it may contain, and whether the server accepts it. */
class Template {
  /**
   * @param {TypeName} type
   * @param {() => void} changed called when the server has answered
   */
  constructor(type, changed) {
    this.type = type;
    /** @type {string | null} */
    this.template = null;
    this.isUsable = false;
    this.changed = changed;
    this.example = element('div', { 'aria-live': 'polite' });
    this.keys = element('p.help-block');
    this.request = debounced(
      (/** @type {string} */ template) => exampleOf(type, template),
      { answered: (answer) => this.onAnswer(answer), failed: (failure) => this.onFailure(failure) },
      PAUSE,
    );
  }

  /**
   * Check a template that was typed. The browser also reports a change when the field loses the focus: a click on "Save" must
   * not disable the button by another check.
   *
   * @param {string} template
   */
  check(template) {
    if (template === this.template) return;
    this.template = template;
    this.isUsable = false;
    this.request(template);
  }

  /** @param {{name: string, keys: string[]}} answer */
  onAnswer({ name, keys }) {
    this.isUsable = true;
    fill(this.example, element('p.spm-example', {}, 'Example: ', element('code', {}, name)));
    const list = keys.map((key) => [element('code', {}, `{${key}}`), ' ']);
    fill(this.keys, `${PACKAGE_TYPES[this.type].label}: `, list);
    this.changed();
  }

  /** @param {unknown} failure */
  onFailure(failure) {
    fill(this.example, element('p.spm-example.text-danger', {}, messageOf(failure)));
    this.changed();
  }
}

/**
 * Show the dialog for both templates of an application.
 *
 * @param {Registry.Application} app
 * @param {() => void} saved called after the server has saved them
 */
export function editTemplates(app, saved) {
  const templates = NAMES.map((type) => new Template(type, () => dialog.update()));
  const dialog = showDialog({
    title: `Names in ${app.name}`,
    body: element(
      'p',
      {},
      'New packages and extensions are named after their metadata; so are those that are uploaded again. ',
      'All others keep their names.',
    ),
    fields: templates.map((one) => ({
      name: one.type,
      label: PACKAGE_TYPES[one.type].label,
      value: app.templates[one.type],
      changed: () => one.check(dialog.read()[one.type]),
    })),
    footer: element(
      'details',
      {},
      element('summary', {}, 'Keys that can be used'),
      templates.map((one) => one.keys),
    ),
    submit: 'Save',
    icon: 'edit',
    blocked: () => templates.some((one) => !one.isUsable),
    save: async (values) => {
      const meta = Object.fromEntries(NAMES.map((type) => [PACKAGE_TYPES[type].key, values[type]]));
      await callWithJson('PUT', `folder/${app._id}/metadata`, meta);
      notify('The templates are saved.');
      saved();
    },
  });
  const groups = dialog.form.querySelectorAll('.form-group');
  templates.forEach((one, index) => {
    groups[index].append(one.example);
    one.check(app.templates[one.type]);
  });
}
