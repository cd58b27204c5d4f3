import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PlaybackClock } from '../../tivo/console/lib/clock.js';
import { Session } from '../../tivo/console/lib/session.js';
import { CLOCK_SCENARIOS, SCENARIOS, play } from './staged.js';

for (const { title, scenario } of SCENARIOS) test(title, () => play(scenario));

for (const [title, steps] of CLOCK_SCENARIOS) test(`clock: ${title}`, () => playClock(steps));

test('there are scenarios of the session and of the clock', () => {
  assert.ok(SCENARIOS.length >= 40);
  assert.ok(CLOCK_SCENARIOS.length >= 10);
});

const MUTANTS = {
  'frames of the epoch that begins are taken for stale': [
    Session.prototype,
    'receive',
    (kept) =>
      function receive(notice, steady_ms) {
        if (notice.type === 'reset') notice = { ...notice, epoch: notice.epoch + 1 };
        return kept.call(this, notice, steady_ms);
      },
  ],
  'a move is worn off like a small difference': [
    PlaybackClock.prototype,
    'anchor',
    (kept) =>
      function anchor(told, steady_ms) {
        return kept.call(this, told, steady_ms);
      },
  ],
  'the place to go on from is forgotten': [
    Session.prototype,
    'resume',
    (kept) =>
      function resume() {
        return kept.call(this).map(({ after, ...command }) => command);
      },
  ],
};

for (const [name, [owner, method, mutate]] of Object.entries(MUTANTS)) {
  test(`a fault on purpose fails a scenario: ${name}`, async () => {
    const kept = owner[method];
    owner[method] = mutate(kept);
    try {
      await assert.rejects(async () => {
        for (const { scenario } of SCENARIOS) await play(scenario);
      }, assert.AssertionError);
    } finally {
      owner[method] = kept;
    }
  });
}

test('a fault on purpose fails a scenario of the clock', (context) => {
  context.mock.method(PlaybackClock.prototype, 'position', () => 0);

  assert.throws(() => CLOCK_SCENARIOS.forEach(([, steps]) => playClock(steps)), assert.AssertionError);
});

/** The viewer's clock has an anchor and a speed: where it holds, that is 0. It is asked for positions, not for due times. */
function playClock(steps) {
  const clock = new PlaybackClock();
  let speed = 0;
  let running = false;
  for (const step of steps) {
    const steady_ms = (step.steady_us ?? step.make?.steady_us) / 1000;
    if ('position' in step) {
      const found_us = clock.position(steady_ms);
      assert.ok(Math.abs(found_us - step.position) <= 1, `at ${found_us}, not at ${step.position}`);
    } else if (!('due' in step)) {
      const event_us = step.make?.event_us ?? step.move ?? clock.position(steady_ms);
      running = step.make?.running ?? (step.resume || (running && !step.pause));
      speed = fraction(step.make?.speed ?? step.speed) ?? speed;
      clock.anchor({ pos_us: event_us, speed: running ? speed : 0 }, steady_ms, true);
    }
  }
}

function fraction(text) {
  if (text === undefined) return undefined;
  const [numerator, denominator = 1] = text.split('/').map(Number);
  return numerator / denominator;
}
