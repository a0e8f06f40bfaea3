// @ts-check
// The administration of packages in Girder's web client: routes, the navigation entry and panels on Girder's own pages.

import '../keys.js';
import { ApplicationView } from './application.js';
import { PackagesView } from './applications.js';
import { replaceFooter, replaceFrontPage } from './frame.js';
import { girder } from './girder.js';
import { KEYS_ROUTE, KeysView } from './keys.js';
import { addNavigationEntry } from './nav.js';
import { addPanels } from './panels.js';
import { PLUGIN, SETTINGS_ROUTE, SettingsView } from './settings.js';
import { StatisticsView } from './statistics.js';
import { USAGE_ROUTE, UsageView } from './usage.js';

girder.pluginUtils.registerPluginNamespace(PLUGIN, {});

girder.router.route('packages', 'packages', () => {
  girder.events.trigger('g:navigateTo', PackagesView);
  girder.events.trigger('g:highlightItem', 'PackagesView');
});
girder.router.route('packages/:id', 'packagesOfApplication', (id) => {
  girder.events.trigger('g:navigateTo', ApplicationView, { id });
  girder.events.trigger('g:highlightItem', 'PackagesView');
});
girder.router.route('packages/:id/statistics', 'packagesStatistics', (id) => {
  girder.events.trigger('g:navigateTo', StatisticsView, { id });
  girder.events.trigger('g:highlightItem', 'PackagesView');
});
girder.router.route(USAGE_ROUTE, 'packagesUsage', () => {
  girder.events.trigger('g:navigateTo', UsageView);
  girder.events.trigger('g:highlightItem', 'PackagesView');
});
girder.router.route(KEYS_ROUTE, 'packagesKeys', () => {
  girder.events.trigger('g:navigateTo', KeysView);
  girder.events.trigger('g:highlightItem', 'PackagesView');
});
girder.router.route(SETTINGS_ROUTE, 'packagesSettings', () => girder.events.trigger('g:navigateTo', SettingsView));
girder.utilities.PluginUtils.exposePluginConfig(PLUGIN, SETTINGS_ROUTE);

addNavigationEntry();
addPanels();
replaceFooter();
replaceFrontPage();
