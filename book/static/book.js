// What the pages need beyond Furo so that everything can be reached with the keyboard.

const WIDE = 'pre, .cell_output, .table-wrapper, .math';
const DRAWERS = [
  { icon: 'label.nav-overlay-icon', box: '__navigation', drawer: '.sidebar-drawer',
    name: 'All pages' },
  { icon: 'label.toc-overlay-icon', box: '__toc', drawer: '.toc-drawer', name: 'On this page' },
];

// A formula in a line that is wider than the page gets a line of its own, which scrolls.
function breakFormulas() {
  const formulas = [...document.querySelectorAll('span.math')];
  const wide = formulas.map(formula => {
    const set = formula.firstElementChild, place = formula.closest('p, li, td, th, blockquote, div');
    return set && set.getBoundingClientRect().width > place.clientWidth;
  });
  formulas.forEach((formula, i) => formula.classList.toggle('book-wide', !!wide[i]));
}

// What is wider than its place scrolls; a place that scrolls must take the focus.
function markScrolling() {
  breakFormulas();
  const places = [...document.querySelectorAll(WIDE)];
  const scrolls = places.map(place => place.scrollWidth > place.clientWidth
    && getComputedStyle(place).overflowX !== 'visible');
  places.forEach((place, i) => {
    if (scrolls[i]) place.tabIndex = 0;
    else place.removeAttribute('tabindex');
  });
}

// On a small screen the two lists of links are drawers behind icons, which only the mouse reaches.
function makeButton(icon, { box, drawer, name }) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = icon.className;
  button.innerHTML = icon.innerHTML;
  button.setAttribute('aria-label', name);
  icon.replaceWith(button);
  const checkbox = document.getElementById(box), list = document.querySelector(drawer);
  const show = open => {
    checkbox.checked = open;
    checkbox.dispatchEvent(new Event('change'));
  };
  checkbox.addEventListener('change', () => button.setAttribute('aria-expanded', checkbox.checked));
  button.setAttribute('aria-expanded', checkbox.checked);
  button.onclick = () => {
    show(!checkbox.checked);
    if (!checkbox.checked) return;
    [...list.querySelectorAll('a, input')].find(el => el.getClientRects().length).focus();
  };
  list.addEventListener('click', event => { if (event.target.closest('a')) show(false); });
  list.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !checkbox.checked) return;
    show(false);
    button.focus();
  });
}

for (const parts of DRAWERS) {
  document.querySelectorAll(parts.icon).forEach(icon => makeButton(icon, parts));
}
new ResizeObserver(markScrolling).observe(document.body);
