/* Tables of releases or drafts with what each has for each system and architecture. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    const SYSTEMS = {linux: ['Linux', 'linux'], win: ['Windows', 'windows'], macosx: ['macOS', 'apple']};
    const ARCHITECTURES = ['amd64', 'arm64', 'i386'];

    const at = (counts, {os, arch}) => (counts && counts[os] && counts[os][arch]) || 0;

    const sum = (counts) => Object.values(counts || {}).reduce(
        (total, byArch) => total + Object.values(byArch).reduce((one, other) => one + other, 0), 0);

    /** How many packages and extensions the release or draft `row` has. */
    spm.things = (row) => sum(row.packages) + sum(row.extensions);

    spm.contents = (row) => `${spm.counted(sum(row.packages), 'package')} and ` +
        `${spm.counted(sum(row.extensions), 'extension')}, ${spm.size(row.size)}`;

    /** The systems that something in `rows` is for, in a fixed order: `{os, arch}` each. */
    spm.systemsOf = (rows) => Object.keys(SYSTEMS).flatMap((os) => ARCHITECTURES.map((arch) => ({os, arch}))).filter(
        (system) => rows.some((row) => at(row.packages, system) || at(row.extensions, system)));

    const label = ({os, arch}) => `${SYSTEMS[os][0]} ${arch}`;

    function cell(row, system) {
        const packages = at(row.packages, system);
        const extensions = at(row.extensions, system);
        const wait = packages + extensions > 0 && (row.ready_for[system.os] || {})[system.arch] === false;
        const gap = !packages ? ' spm-gap' : !extensions ? ' spm-half' : '';
        const told = `${label(system)}: ${spm.counted(packages, 'package')}, ${spm.counted(extensions, 'extension')}` +
            (wait ? ', not ready' : '');
        return el('td', {class: `spm-system${gap}`, title: told, 'data-label': label(system)},
            el('span', {class: 'spm-packages'}, packages ? spm.counted(packages, 'package') : 'no package'),
            el('span', {class: 'spm-extensions'}, extensions ? spm.counted(extensions, 'ext.', 'ext.') : 'no ext.',
                wait && [' ', spm.icon('clock', 'not ready')]));
    }

    const READY = {true: ['label-success', 'ready'], false: ['label-default', 'not ready']};

    /** What is offered as the latest, and where one may say so, the switch. */
    spm.readiness = function (row, change) {
        const [style, text] = READY[Boolean(row.ready)];
        const shown = el('span', {class: `label ${style}`}, text);
        if (row.access < spm.AccessType.WRITE || !change) {
            return [shown, row.held !== null && el('span', {class: 'spm-faint'}, ' by hand')];
        }
        const chosen = row.held === null ? 'auto' : String(!row.held);
        return [shown, el(
            'select', {
                class: 'form-control input-sm spm-ready', 'aria-label': `Readiness of ${row.name}`,
                change: (event) => change(row, event.target.value)
            },
            [['auto', 'automatic'], ['true', 'ready'], ['false', 'not ready']].map(
                ([value, choice]) => el('option', {value, selected: value === chosen}, choice)))];
    };

    function line(row, systems, options) {
        return el(
            'tr', {'data-id': row._id},
            el('th', {scope: 'row'},
                el('a', {class: 'spm-name', href: `#folder/${row._id}`}, row.name),
                !row.public && [' ', spm.icon('lock', 'Private')],
                options.revision && el('div', {class: 'spm-faint'}, `revision ${row.revision}`),
                row.description && el('div', {class: 'spm-faint spm-description'}, spm.plain(row.description))),
            el('td', {'data-label': 'Ready', class: 'spm-ready-cell'}, spm.readiness(row, options.ready)),
            systems.map((system) => cell(row, system)),
            el('td', {'data-label': 'Size', class: 'spm-number'}, spm.size(row.size)),
            el('td', {'data-label': 'Downloads', class: 'spm-number'}, spm.number(row.downloads)),
            el('td', {'data-label': 'Created'}, el('div', {}, spm.day(row.created),
                row.updated > row.created && el('div', {class: 'spm-faint'}, 'updated ', spm.day(row.updated)))),
            options.actions && el('td', {class: 'spm-actions'}, options.actions(row)));
    }

    const head = (text, properties) => el('th', {scope: 'col', ...properties}, text);

    /**
     * A table of `rows` of a summary.
     * @param options `systems`, the columns; `caption`; `revision`, whether it is told beside the name;
     *     `actions(row)`, the buttons; `ready(row, word)`, called when the switch was moved.
     */
    spm.table = (rows, options) => el(
        'div', {class: 'spm-scroll'}, el(
            'table', {class: 'table spm-table'},
            el('caption', {class: 'sr-only'}, options.caption),
            el('thead', {}, el('tr', {}, head(options.revision ? 'Release' : 'Revision'), head('Ready'),
                options.systems.map((system) => head(
                    [spm.icon(SYSTEMS[system.os][1]), ` ${SYSTEMS[system.os][0]}`, el('br'), system.arch],
                    {class: 'spm-system'})),
                head('Size', {class: 'spm-number'}), head('Downloads', {class: 'spm-number'}), head('Created'),
                options.actions && head(el('span', {class: 'sr-only'}, 'Actions')))),
            el('tbody', {}, rows.map((row) => line(row, options.systems, options)))));

    spm.legend = () => el('p', {class: 'spm-legend'},
        el('span', {class: 'spm-swatch spm-gap'}), ' no package ',
        el('span', {class: 'spm-swatch spm-half'}), ' no extensions ',
        spm.icon('clock'), ' not ready, so an older one is offered as the latest');
}(window.girder));
