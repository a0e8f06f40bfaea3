// @ts-check
// The computer of the visitor, as the browser reports it.

/**
 * What is read of the browser's `navigator`.
 *
 * @typedef {Pick<Navigator, 'userAgent' | 'platform' | 'maxTouchPoints' | 'userAgentData'>} Browser
 */

/** @type {Record<string, string>} */
const BY_HINT = { Windows: 'win', macOS: 'macosx', Linux: 'linux' };

/**
 * The operating system; `null` for systems without builds, such as those of telephones and tablets.
 *
 * @param {Browser} browser
 */
export function visitorSystem(browser) {
  const hints = browser.userAgentData;
  if (hints?.platform) return hints.mobile ? null : BY_HINT[hints.platform] || null;
  const platform = browser.platform || '';
  if (/Android/.test(browser.userAgent)) return null;
  if (/^Win/.test(platform)) return 'win';
  // Tablets by Apple call themselves Macs, but have a touch screen.
  if (/^Mac/.test(platform)) return browser.maxTouchPoints > 1 ? null : 'macosx';
  return /^Linux/.test(platform) ? 'linux' : null;
}

/**
 * The architecture of the processor; `null` if the browser does not report it.
 *
 * @param {Browser} browser
 * @param {string} os
 */
export async function visitorArchitecture(browser, os) {
  const hints = browser.userAgentData;
  if (hints?.getHighEntropyValues) {
    const { architecture, bitness } = await hints
      .getHighEntropyValues(['architecture', 'bitness'])
      .catch(() => noHints);
    if (architecture === 'arm') return 'arm64';
    if (architecture === 'x86') return bitness === '32' ? 'i386' : 'amd64';
  }
  if (os === 'macosx') return null; // all Macs call themselves Intel
  if (/aarch64|arm64/i.test(browser.platform)) return 'arm64';
  return /i[3-6]86/.test(browser.platform) ? 'i386' : 'amd64';
}

/** @type {{architecture?: string, bitness?: string}} */
const noHints = {};
