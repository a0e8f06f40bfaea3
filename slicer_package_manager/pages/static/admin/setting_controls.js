// @ts-check
// Controls of settings whose values are ids of applications, or pairs of a key and a value.

import { element, fill } from '../dom.js';
import { fieldControl } from './dialogs.js';
import { button } from './widgets.js';

/** @typedef {{_id: string, name: string}} Named an application */
/** @typedef {[value: string, label: string]} Choice */
/** @typedef {ReturnType<typeof fieldControl>} FieldControl */
/** @typedef {{element: HTMLElement, name: string, read: () => unknown, write: (value: any) => void}} SettingControl */

/**
 * A setting in the form. With `application`, `applications`, `quotas` or `issuers`, its control is one of this module.
 *
 * @typedef {Omit<import('./dialogs.js').Field, 'type' | 'label'> & {label: string,
 *   type: import('./dialogs.js').Field['type'] | 'application' | 'applications' | 'quotas' | 'issuers'}} Setting
 */

const ALL = '*';
const OTHERS = 'default';
const GIGABYTE = 1e9;
/** @type {Choice[]} */
const SERVICES = [
  ['github', 'GitHub'],
  ['gitlab', 'GitLab'],
];

/**
 * @param {Setting} setting
 * @param {unknown} value
 * @param {Named[]} apps all applications
 * @returns {SettingControl}
 */
export function settingControl(setting, value, apps) {
  const named = apps.map(({ _id, name }) => /** @type {Choice} */ ([_id, name]));
  switch (setting.type) {
    case 'application':
      return applicationControl(setting, String(value), named);
    case 'applications':
      return applicationsControl(setting, /** @type {string[]} */ (value), named);
    case 'quotas':
      return pairsControl(setting, /** @type {Record<string, unknown>} */ (value), {
        keys: [[OTHERS, 'All other applications'], ...named],
        keyLabel: 'Application',
        valueLabel: 'Size in GB',
        control: (bytes) =>
          numberControl(`Size in GB: ${setting.label}`, bytes === undefined ? '' : Number(bytes) / GIGABYTE),
        parse: (text) => (text === '' ? text : Math.round(Number(text) * GIGABYTE)),
      });
    case 'issuers':
      return pairsControl(setting, /** @type {Record<string, unknown>} */ (value), {
        keys: null,
        keyLabel: 'Issuer',
        valueLabel: 'Service',
        control: (service) => select('Service', SERVICES, String(service || 'github')),
        parse: (text) => text,
      });
    default:
      return fieldControl(/** @type {import('./dialogs.js').Field} */ ({ ...setting, value }));
  }
}

/**
 * Choices with one for `value`, even if it is the id of an application that is not there any more.
 *
 * @param {Choice[]} choices
 * @param {string} value
 * @returns {Choice[]}
 */
const including = (choices, value) =>
  choices.some(([one]) => one === value) ? choices : [...choices, [value, `Deleted application (${value})`]];

/**
 * @param {Setting} setting
 * @param {string} value
 * @param {Choice[]} named
 */
function applicationControl(setting, value, named) {
  /** @type {Choice[]} */
  const choices = including([['', 'Automatic'], ...named], value);
  return fieldControl({ ...setting, type: 'choice', choices, value });
}

/**
 * @param {Setting} setting
 * @param {string[]} value
 * @param {Choice[]} named
 * @returns {SettingControl}
 */
function applicationsControl(setting, value, named) {
  const place = element('div');
  const show = (/** @type {string[]} */ chosen) => {
    /** @type {Choice[]} */
    let choices = [[ALL, 'All applications'], ...named];
    for (const one of chosen) choices = including(choices, one);
    fill(place, ...choices.map((one) => checkbox(one, chosen.includes(one[0]))));
  };
  show(value);
  return {
    element: group(setting, place),
    name: setting.name,
    read: () => [...place.querySelectorAll('input')].filter((one) => one.checked).map((one) => one.value),
    write: show,
  };
}

/**
 * @param {Choice} choice
 * @param {boolean} checked
 */
const checkbox = ([value, label], checked) =>
  element(
    'div.checkbox',
    {},
    element(
      'label',
      {},
      element('input', { type: 'checkbox', value, checked }),
      ' ',
      element('span.spm-name', {}, label),
    ),
  );

/**
 * @typedef {object} Pairs
 * @property {Choice[] | null} keys a menu of them; `null` if they are texts
 * @property {string} keyLabel
 * @property {string} valueLabel
 * @property {(value: unknown) => HTMLInputElement | HTMLSelectElement} control of a value; `undefined` for a new line
 * @property {(text: string) => unknown} parse
 */

/**
 * Lines of a key and a value each.
 *
 * @param {Setting} setting
 * @param {Record<string, unknown>} value
 * @param {Pairs} pairs
 * @returns {SettingControl}
 */
function pairsControl(setting, value, pairs) {
  const lines = element('div');
  const add = (/** @type {string} */ key, /** @type {unknown} */ one) =>
    lines.append(pairLine(pairs, key, one, setting));
  const show = (/** @type {Record<string, unknown>} */ shown) => {
    fill(lines);
    for (const [key, one] of Object.entries(shown)) add(key, one);
  };
  show(value);
  const more = button('Add', 'plus', 'default', () => add('', undefined), { 'aria-label': `Add: ${setting.label}` });
  return {
    element: group(setting, [lines, more]),
    name: setting.name,
    read: () => Object.fromEntries([...lines.children].map((line) => readLine(line, pairs)).filter(([key]) => key)),
    write: show,
  };
}

/**
 * @param {Pairs} pairs
 * @param {string} key
 * @param {unknown} value
 * @param {Setting} setting
 */
function pairLine({ keys, keyLabel, control }, key, value, setting) {
  /** @type {Choice[]} */
  const choices = keys ? including([['', 'Choose…'], ...keys], key) : [];
  const first = keys
    ? select(keyLabel, choices, key)
    : element('input.form-control.input-sm', { type: 'text', 'aria-label': keyLabel, value: key, autocomplete: 'off' });
  const line = element('div.spm-pair', {}, first, control(value));
  line.append(
    button('', 'cancel', 'default', () => line.remove(), { 'aria-label': `Remove: ${setting.label}`, title: 'Remove' }),
  );
  return line;
}

/**
 * @param {Element} line
 * @param {Pairs} pairs
 * @returns {[key: string, value: unknown]}
 */
function readLine(line, { parse }) {
  const [key, value] = /** @type {NodeListOf<HTMLInputElement>} */ (line.querySelectorAll('input, select'));
  return [key.value.trim(), parse(value.value)];
}

/**
 * @param {string} label
 * @param {Choice[]} choices
 * @param {string} value
 */
const select = (label, choices, value) =>
  element(
    'select.form-control.input-sm',
    { 'aria-label': label },
    choices.map(([one, text]) => element('option', { value: one, selected: one === value }, text)),
  );

/**
 * @param {string} label
 * @param {number | string} value
 */
const numberControl = (label, value) =>
  element('input.form-control.input-sm', { type: 'number', 'aria-label': label, min: 0, step: 'any', value });

/**
 * @param {Setting} setting
 * @param {Content} content
 */
const group = ({ label, help }, content) =>
  element(
    'fieldset.form-group',
    {},
    element('legend.spm-legend-label', {}, label),
    content,
    help && element('p.help-block', {}, help),
  );
