// @ts-check
// Sets dark or light before anything is shown: as the system has it, unless Slicer, around the page, sets another theme.
// A classic script: a module would run after the first paint.
(() => {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const page = document.documentElement.dataset;
  const follow = () => {
    if (!page.themeGiven) page.theme = system.matches ? 'dark' : 'light';
  };
  follow();
  system.addEventListener('change', follow);
})();
