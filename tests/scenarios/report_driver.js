'use strict';
// Uses every control of a report once, and writes what it saw into an element of the page.
(async () => {
  const $ = (id) => document.getElementById(id);
  const seen = [];
  const frame = () => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  const range = () => $('window').textContent;
  const pins = () => document.querySelectorAll('#pins li').length;
  const told = () => $('announcement').textContent;

  // Carries out a step; what it reads must change.
  async function changes(name, read, act) {
    const before = read();
    await act();
    await frame();
    seen.push(`${name}: ${read() === before ? `NO EFFECT, ${before}` : 'works'}`);
  }

  const click = (id) => () => $(id).click();
  const slide = (id, value) => () => {
    $(id).value = value;
    $(id).dispatchEvent(new Event('input', { bubbles: true }));
  };
  const press = (chart, key) => () => {
    $(chart).focus();
    $(chart).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  };
  const mouse = (chart, type, x, y) => {
    const canvas = document.querySelector(`#${chart} canvas`);
    const box = canvas.getBoundingClientRect();
    const where = { clientX: box.left + x, clientY: box.top + y, pointerId: 1, button: 0, bubbles: true };
    canvas.dispatchEvent(new PointerEvent(type, where));
  };

  try {
    await frame();
    // Only a pointer that a person holds can be captured.
    Element.prototype.setPointerCapture = () => {};
    await changes('zoom in', range, click('zoom-in'));
    await changes('later', range, click('later'));
    await changes('earlier', range, click('earlier'));
    await changes('zoom out', range, click('zoom-out'));
    await changes('zoom', range, slide('zoom', 300));
    await changes('position', range, slide('position', 9000));
    await changes('all', range, click('all'));
    const notes = () => $('operations-note').textContent + $('messages-note').textContent;
    for (const id of ['show-ok', 'show-clients', 'only-dropped']) {
      await changes(id, notes, click(id));
      await changes(`${id} again`, notes, click(id));
    }
    for (const id of ['show-fail', 'show-info', 'show-servers']) {
      $(id).click();
      $(id).click();
    }
    await changes('type', notes, () => {
      $('kind').value = '0';
      $('kind').dispatchEvent(new Event('change'));
    });
    $('kind').value = '';
    $('kind').dispatchEvent(new Event('change'));
    for (const chart of ['operations', 'messages']) {
      await changes(`${chart} next`, told, press(chart, 'n'));
      await changes(`${chart} second`, told, press(chart, 'n'));
      await changes(`${chart} back`, told, press(chart, 'p'));
      await changes('pin by key', pins, press(chart, 'Enter'));
      await changes('unpin by key', pins, press(chart, 'Escape'));
      await changes(`${chart} +`, range, press(chart, '+'));
      await changes(`${chart} left`, range, press(chart, 'End'));
      await changes(`${chart} right`, range, press(chart, 'ArrowLeft'));
      await changes(`${chart} home`, range, press(chart, 'Home'));
      await changes(`${chart} −`, range, press(chart, '-'));
    }
    $('all').click();
    await frame();
    // Looks for an operation under the pointer.
    await changes('hover', () => $('tooltip').textContent, () => {
      for (let y = 30; y < 90; y += 4) {
        for (let x = 100; x < 1100 && !$('tooltip').textContent; x += 4) {
          mouse('operations', 'pointermove', x, y);
          if ($('tooltip').textContent) Object.assign(window, { foundX: x, foundY: y });
        }
      }
    });
    await changes('pin by click', pins, () => {
      mouse('operations', 'pointerdown', window.foundX, window.foundY);
      mouse('operations', 'pointerup', window.foundX, window.foundY);
    });
    await changes('unpin', pins, () => document.querySelector('#pins li button:last-child').click());
    $('zoom-in').click();
    await changes('drag', range, () => {
      mouse('messages', 'pointerdown', 600, 60);
      mouse('messages', 'pointermove', 400, 60);
      mouse('messages', 'pointerup', 400, 60);
    });
    await changes('wheel', range, () => document.querySelector('#messages canvas').dispatchEvent(
      new WheelEvent('wheel', { ctrlKey: true, deltaY: -100, bubbles: true, cancelable: true })));
    await changes('anomaly', range, () => document.querySelector('button.show').click());
    seen.push(`anomaly pins: ${pins() > 0 ? 'works' : 'NO EFFECT'}`);
    await changes('fault', range, () => document.querySelector('button.fault').click());
    await changes('link', range, () => { location.hash = '#t=0.1,0.2'; return frame(); });
    await changes('theme', () => getComputedStyle(document.body).backgroundColor, click('theme'));
    await changes('copy', () => String(getSelection()), click('copy'));
    for (const summary of document.querySelectorAll('summary')) summary.click();
    await frame();
  } catch (error) {
    window.failures.push(`${error.message} ${error.stack}`);
  }
  const without = seen.filter((line) => !line.endsWith('works'));
  const failures = [...window.failures, ...without];
  const result = document.createElement('pre');
  result.id = 'seen';
  result.textContent = `${seen.join('\n')}\nfailures: ${failures.join('; ') || 'none'}`;
  document.body.append(result);
})();
