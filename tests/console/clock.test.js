import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PlaybackClock } from '../../tivo/console/lib/clock.js';

function clockAt({ speed = 1 } = {}) {
  const clock = new PlaybackClock();
  clock.hear(5_000_000, 0);
  clock.anchor({ pos_us: 1_000_000, wall_us: 5_000_000, speed }, 0);
  return clock;
}

test('it runs on between notices, at its speed', () => {
  const clock = clockAt({ speed: 60 });

  assert.equal(1_000_000 + 60 * 500_000, clock.position(500));
});

test('at speed 0 it holds', () => {
  const clock = clockAt({ speed: 0 });

  assert.equal(1_000_000, clock.position(10_000));
});

test('the age of a notice is added', () => {
  const clock = clockAt();

  clock.anchor({ pos_us: 2_000_000, wall_us: 5_000_000, speed: 1 }, 300, true);

  assert.equal(2_300_000, clock.position(300));
});

test('a small difference is worn off within a second, and time never runs backwards', () => {
  const clock = clockAt();

  clock.anchor({ pos_us: 1_400_000, speed: 1 }, 500);

  let before = 0;
  for (let ms = 500; ms <= 1500; ms += 10) {
    assert.ok(clock.position(ms) > before);
    before = clock.position(ms);
  }
  assert.equal(1_500_000, clock.position(500));
  assert.equal(2_400_000, clock.position(1500));
});

test('a large difference is taken at once', () => {
  const clock = clockAt();

  clock.anchor({ pos_us: 60_000_000, speed: 1 }, 500);

  assert.equal(60_000_000, clock.position(500));
});

test('a move is taken at once, however small', () => {
  const clock = clockAt();

  clock.anchor({ pos_us: 1_400_000, speed: 1 }, 500, true);

  assert.equal(1_400_000, clock.position(500));
});

test('the wall clock is that of the notice that came fastest', () => {
  const clock = clockAt();

  clock.hear(6_000_000, 1200); // 200 ms slower than the first
  assert.ok(Math.abs(clock.wall(1200) - 6_200_000) < 5_000);
  clock.hear(7_010_000, 2000); // 10 ms faster

  assert.equal(7_010_000, clock.wall(2000));
});

test('a wall clock that was set anew is followed', () => {
  const clock = clockAt();

  clock.hear(1_000_000, 1000);

  assert.equal(1_000_000, clock.wall(1000));
});
