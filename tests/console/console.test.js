/** The parts of the console that only reckon: addresses, times, speeds, ticks, views. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SOURCES = new URL('../../tivo/console/app/src/', import.meta.url);
const MODULES = [
  'address',
  'counts',
  'one-line',
  'speed',
  'ticks',
  'time-text',
  'timeline-scale',
  'traffic',
  'scene/projection',
];

function vite() {
  try {
    return createRequire(new URL('../package.json', SOURCES)).resolve('vite');
  } catch {
    return undefined;
  }
}

const options = {
  skip: vite() ? false : 'run npm ci in tivo/console/app first',
};
const day = Date.UTC(2026, 10, 22) * 1000;
const HOUR = 3_600_000_000;
let app;

before(async () => {
  if (!vite()) return;
  const { build } = await import(pathToFileURL(vite()).href);
  const names = MODULES.map((name) => `export * from '${fileURLToPath(new URL(`${name}.ts`, SOURCES))}';`).join('\n');
  const entry = {
    name: 'all',
    resolveId: (id) => (id.endsWith('/all') ? '\0all' : null),
    load: (id) => (id === '\0all' ? names : null),
  };
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [entry],
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: 'all', formats: ['es'] },
    },
  });
  app = await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
});

test('an address gives back the view that it was made from', options, () => {
  const view = {
    topic: 'a b/ü',
    start: '2026-11-22T00:00:00Z',
    end: '2026-11-22T01:00:00.000001Z',
    pos: undefined,
    speed: 60.5,
    loop: true,
    key: 'x*',
  };

  const address = app.writeView(view);

  assert.deepEqual(view, app.readView(address));
  assert.match(address, /start=2026-11-22T00:00:00Z/);
});

test('an address with nonsense shows what it can', options, () => {
  const view = app.readView('?topic=quakes&speed=-3&loop=maybe&start=%20');

  assert.deepEqual(
    {
      topic: 'quakes',
      start: undefined,
      end: undefined,
      pos: undefined,
      speed: undefined,
      loop: false,
      key: undefined,
    },
    view,
  );
});

test('the slider runs from 0.1 to 10,000 in powers of ten, and stops at 1', options, () => {
  assert.equal(0, app.toSlider(0.1));
  assert.equal(app.SLIDER_STEPS, app.toSlider(10_000));
  assert.equal(10_000, app.fromSlider(app.SLIDER_STEPS));
  for (const speed of [0.1, 0.5, 1, 7, 60, 1400, 10_000]) {
    assert.ok(Math.abs(app.fromSlider(app.toSlider(speed)) / speed - 1) < 0.03, String(speed));
  }
  assert.equal(1, app.fromSlider(app.toSlider(1.02)));
});

test('speeds are typed in several ways', options, () => {
  assert.deepEqual(
    [60, 0.25, 1440, undefined, undefined, undefined],
    ['60', ' 0.25× ', '1,440x', '0', 'fast', '-3'].map(app.parseSpeed),
  );
});

test('speeds go up and down by those that have a name, and stop at the ends', options, () => {
  assert.deepEqual(
    [2, 60, 10_000],
    [1, 42, 10_000].map((speed) => app.neighbour(speed, 1)),
  );
  assert.deepEqual(
    [0.5, 30, 0.1],
    [1, 42, 0.1].map((speed) => app.neighbour(speed, -1)),
  );
});

test('speeds say what they do to time', options, () => {
  assert.deepEqual(
    ['', '10 s per s', '20 m per s', '2 h per s', '1 s in 4 s', ''],
    [1, 10, 1204, 7200, 0.25, Infinity].map(app.speedWords),
  );
  assert.deepEqual(['1×', '1,440×', '0.25×', 'max'], [1, 1440, 0.25, Infinity].map(app.speedText));
});

test('times are told in UTC, to what is asked', options, () => {
  const time = day + 14 * HOUR + 5_004_003;

  assert.equal('14:00', app.timeText(time, 'utc', 'minute'));
  assert.equal('14:00:05.004', app.timeText(time, 'utc', 'milli'));
  assert.equal('22 Nov 2026', app.dateText(time, 'utc'));
  assert.equal('22 November 2026, 14:00:05 UTC', app.spokenTime(time, 'utc'));
  assert.equal('2026-11-22T14:00:05Z', app.isoText(time));
  assert.equal('2026-11-22T14:00:05.004003Z', app.isoText(time, true));
  assert.equal('1969-12-31T23:59:59.999999Z', app.isoText(-1, true));
});

test('spans are told by their two largest units', options, () => {
  const spans = [850_000, 9_200_000, 42e6, 60e6, 192e6, 3 * HOUR + 12 * 60e6, 25 * HOUR, 48 * HOUR];

  assert.deepEqual(
    ['850 ms', '9.2 s', '42 s', '1 m', '3 m 12 s', '3 h 12 m', '1 d 1 h', '2 d'],
    spans.map(app.spanText),
  );
});

test('times are told as ago, now or ahead', options, () => {
  assert.deepEqual(
    ['42 s ago', 'now', 'in 42 s'],
    [-42e6, -1e6, 42e6].map((by) => app.agoText(day + by, day)),
  );
});

test('counts and rates stay short', options, () => {
  assert.deepEqual(
    ['842', '9,999', '12.3k', '138k', '4.1M', '2G'],
    [842, 9999, 12_345, 138_400, 4_100_000, 2e9].map(app.countText),
  );
  assert.deepEqual(['quiet', '3/min', '4.3/s', '1,204/s'], [0, 0.05, 4.3, 1204].map(app.rateText));
});

test('ticks stand at round times, no closer than asked, and name a new day', options, () => {
  const ticks = app.ticksOf(day - 2 * HOUR, day + 5 * HOUR, 1.5 * HOUR, 'utc');

  assert.deepEqual(
    ['22:00', '22 Nov', '02:00', '04:00'],
    ticks.map(({ text }) => text),
  );
  assert.deepEqual(
    [false, true, false, false],
    ticks.map(({ day: isDay }) => isDay),
  );
});

test('ticks of a very short view tell milliseconds', options, () => {
  const ticks = app.ticksOf(day, day + 400_000, 100_000, 'utc');

  assert.deepEqual(
    ['22 Nov', '00:00:00.100', '00:00:00.200', '00:00:00.300'],
    ticks.map(({ text }) => text),
  );
});

test('zooming keeps the time under the pointer where it is', options, () => {
  const before_ = new app.Scale({ start_us: 0, end_us: 1000e6 }, 500);

  const after = new app.Scale(app.zoomed(before_.span, before_.time(125), 0.5), 500);

  assert.equal(500e6, after.length_us);
  assert.equal(125, after.px(before_.time(125)));
});

test('a view stays within what there is', options, () => {
  const all = { start_us: 0, end_us: 1000e6 };

  assert.deepEqual({ start_us: 900e6, end_us: 1000e6 }, app.clampSpan({ start_us: 950e6, end_us: 1050e6 }, all));
  assert.deepEqual({ start_us: 0, end_us: 100e6 }, app.clampSpan({ start_us: -50e6, end_us: 50e6 }, all));
  assert.deepEqual(all, app.clampSpan({ start_us: -500e6, end_us: 5000e6 }, all));
});

test('a view that shows the live edge is slid along with it, another is left alone', options, () => {
  const view = { start_us: 0, end_us: 100e6 };

  assert.deepEqual({ start_us: 4e6, end_us: 104e6 }, app.follow(view, 100e6));
  assert.deepEqual(view, app.follow(view, 50e6));
  assert.deepEqual(view, app.follow(view, 500e6));
});

test('counts of several topics are added up on the widest slices', options, () => {
  const wide = { start_us: 0, width_us: 10, counts: [1, 2] };
  const fine = { start_us: 0, width_us: 5, counts: [1, 1, 1, 1, 1] };

  assert.deepEqual([3, 4, 1], app.sum([wide, fine]).counts);
  assert.equal(wide, app.sum([wide]));
  assert.equal(undefined, app.sum([]));
});

test('counts are looked up by time and by span', options, () => {
  const counts = { start_us: 0, width_us: 10e6, counts: [1, 2, 4, 8] };

  assert.equal('4 in 10 s', app.countAt(counts, 25e6));
  assert.equal('no events', app.countAt(counts, 99e6));
  assert.equal(6, app.countIn(counts, { start_us: 10e6, end_us: 30e6 }));
  assert.equal(0, app.countIn(undefined, { start_us: 0, end_us: 1 }));
});

test('the table of a histogram has at most two dozen rows and loses no event', options, () => {
  const counts = {
    start_us: 0,
    width_us: 10,
    counts: Array.from({ length: 131 }, () => 1),
  };

  const { rows, width_us } = app.tableRows(counts);

  assert.ok(rows.length <= 24);
  assert.equal(60, width_us);
  assert.equal(
    131,
    rows.reduce((total, { events }) => total + events, 0),
  );
});

test('a glob means names as the gateway reads it', options, () => {
  assert.deepEqual(
    [true, false, true, false],
    [
      ['a.*', 'a.b'],
      ['a.*', 'axb'],
      ['q?', 'q1'],
      ['q', 'qq'],
    ].map(([glob, name]) => app.matches(glob, name)),
  );
});

test('traffic tells what is shown a second, and the part left out', options, () => {
  const traffic = new app.Traffic();
  traffic.measure(0);
  for (let ms = 500; ms <= 20_000; ms += 500) {
    traffic.take({
      events: Array.from({ length: 75 }, () => ({})),
      thinned: 25,
    });
    traffic.measure(ms);
  }

  const { shown, thinned } = traffic.measure(20_001);

  assert.ok(Math.abs(shown - 150) < 1, String(shown));
  assert.ok(Math.abs(thinned - 25) < 1, String(thinned));
});

test('traffic remembers what is missing, and why', options, () => {
  const traffic = new app.Traffic();

  traffic.miss({ from_offset: 10, to_offset: 15, reason: 'retention' });
  traffic.miss({ from_offset: 20, to_offset: 21, reason: 'retention' });

  assert.deepEqual({ count: 6, reasons: ['retention'] }, traffic.missed);
});

test('a value in one line leaves out what the key says, and where it was comes last', options, () => {
  assert.equal('mag 1.5  lon 3  lat 4', app.oneLine({ lon: 3, lat: 4, mag: 1.5, place: 'Chile' }, 'Chile'));
  assert.equal('∅', app.oneLine(null));
  assert.equal('[1,2]', app.oneLine([1, 2]));
  assert.equal('a null  b {"c":1}', app.oneLine({ a: null, b: { c: 1 } }, null));
});

test('the world lies in the middle, north up', options, () => {
  const world = app.worldProjection(1000, 500);

  assert.deepEqual([500, 250], world.point(0, 0));
  assert.ok(world.point(0, 60)[1] < 250);
  assert.ok(world.point(90, 0)[0] > 500);
  assert.deepEqual(world.point(-170, 10), world.point(190, 10));
});
