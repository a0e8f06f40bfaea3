// @ts-check
// The entry "Packages" in Girder's navigation, for users who may edit a package or an application.

import { element } from '../dom.js';
import { call, girder, isAdmin, showFailure } from './girder.js';
import { icon } from './widgets.js';

/** @type {{user: string, answer: Promise<Registry.Application[]>} | null} */
let known = null;

/**
 * The applications in which the user may edit something, requested once for each login.
 *
 * @returns {Promise<Registry.Application[]>}
 */
export function editable() {
  const user = girder.auth.getCurrentUser();
  if (!user) return Promise.resolve([]);
  if (!known || known.user !== user.id) {
    const asked = { user: user.id, answer: call('GET', 'slicer_package_manager/editable') };
    asked.answer.catch(() => {
      if (known === asked) known = null;
    });
    known = asked;
  }
  return known.answer;
}

/** Request the applications again when they are needed next. */
export function forgetEditable() {
  known = null;
}

const entry = () =>
  element(
    'li.g-global-nav-li',
    {},
    element(
      'a.g-nav-link',
      { 'g-target': 'packages', 'g-name': 'Packages', href: '#packages' },
      icon('box-1'),
      element('span', {}, 'Packages'),
    ),
  );

/** @param {Girder.View} view */
async function addEntry(view) {
  const user = girder.auth.getCurrentUser();
  let wanted = isAdmin();
  try {
    wanted = wanted || (await editable()).length > 0;
  } catch (failure) {
    showFailure(failure);
  }
  if (!wanted || girder.auth.getCurrentUser() !== user || view.$('[g-name="Packages"]').length) return;
  view.$('.g-global-nav-li').first().after(entry());
  if (/^packages\b/.test(girder.Backbone.history.fragment || '')) view.selectForView('PackagesView');
}

/** Add the entry whenever Girder draws its navigation. */
export function addNavigationEntry() {
  girder.events.on('g:login', forgetEditable);
  girder.utilities.PluginUtils.wrap(girder.views.layout.GlobalNavView, 'render', function (render) {
    render.call(this);
    addEntry(this);
    return this;
  });
}
