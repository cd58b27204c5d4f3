/** Times and spans in people's words. All times are microseconds since 1970 UTC. */

export type Zone = 'utc' | 'local';

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

const two = (number: number): string => String(number).padStart(2, '0');

/** How far local time is ahead of UTC at a time. */
export function shift_us(time_us: number, zone: Zone): number {
  return zone === 'utc' ? 0 : -new Date(time_us / 1000).getTimezoneOffset() * MINUTE_US;
}

function fields(time_us: number, zone: Zone) {
  const shifted_us = time_us + shift_us(time_us, zone);
  const moment = new Date(Math.floor(shifted_us / 1000));
  return {
    year: moment.getUTCFullYear(),
    month: moment.getUTCMonth(),
    day: moment.getUTCDate(),
    time: `${two(moment.getUTCHours())}:${two(moment.getUTCMinutes())}`,
    second: two(moment.getUTCSeconds()),
    milli: String(moment.getUTCMilliseconds()).padStart(3, '0'),
  };
}

/** `14:32`, `14:32:24` or `14:32:24.512`. */
export function timeText(time_us: number, zone: Zone, to: 'minute' | 'second' | 'milli' = 'second'): string {
  const { time, second, milli } = fields(time_us, zone);
  return to === 'minute' ? time : to === 'second' ? `${time}:${second}` : `${time}:${second}.${milli}`;
}

/** `22 Nov 2026`; without the year where it is not wanted. */
export function dateText(time_us: number, zone: Zone, year = true): string {
  const { day, month, year: of } = fields(time_us, zone);
  const text = `${day} ${MONTHS[month]!.slice(0, 3)}`;
  return year ? `${text} ${of}` : text;
}

/** As it is read out: `22 November 2026, 14:32:24 UTC`. */
export function spokenTime(time_us: number, zone: Zone): string {
  const { day, month, year } = fields(time_us, zone);
  return `${day} ${MONTHS[month]} ${year}, ${timeText(time_us, zone)} ${zone === 'utc' ? 'UTC' : 'local time'}`;
}

/** RFC 3339, to the second, or to the microsecond where `exact`. */
export function isoText(time_us: number, exact = false): string {
  const text = new Date(Math.floor(time_us / 1000)).toISOString();
  if (!exact) return `${text.slice(0, 19)}Z`;
  const micro = ((time_us % 1000) + 1000) % 1000;
  return micro ? `${text.slice(0, -1)}${String(micro).padStart(3, '0')}Z` : text;
}

/** The two largest units of a span: `3 h 12 m`, `12 s`, `850 ms`. */
export function spanText(span_us: number): string {
  const span = Math.abs(span_us);
  if (span < SECOND_US) return `${Math.round(span / 1000)} ms`;
  if (span < 10 * SECOND_US) return `${trim(span / SECOND_US, 1)} s`;
  if (span < MINUTE_US) return `${Math.round(span / SECOND_US)} s`;
  if (span < HOUR_US) return pair(Math.round(span / SECOND_US), 60, 'm', 's');
  if (span < DAY_US) return pair(Math.round(span / MINUTE_US), 60, 'h', 'm');
  return pair(Math.round(span / HOUR_US), 24, 'd', 'h');
}

function pair(units: number, per: number, large: string, small: string): string {
  const rest = units % per;
  return rest ? `${Math.floor(units / per)} ${large} ${rest} ${small}` : `${units / per} ${large}`;
}

/** How long ago, or how far ahead. */
export function agoText(time_us: number, now_us: number): string {
  const ago_us = now_us - time_us;
  if (Math.abs(ago_us) < 1.5 * SECOND_US) return 'now';
  return ago_us > 0 ? `${spanText(ago_us)} ago` : `in ${spanText(ago_us)}`;
}

/** A number with a fixed small number of digits, without useless zeros. */
export function trim(number: number, digits: number): string {
  return String(Number(number.toFixed(digits)));
}

/** `842`, `12.3k`, `4.1M`. */
export function countText(count: number): string {
  if (count < 10_000) return count.toLocaleString('en');
  if (count < 1e6) return `${trim(count / 1e3, count < 1e5 ? 1 : 0)}k`;
  return count < 1e9 ? `${trim(count / 1e6, 1)}M` : `${trim(count / 1e9, 1)}G`;
}

/** `4.3/s`, or by the minute where it is rare. */
export function rateText(per_s: number): string {
  if (per_s >= 100) return `${countText(Math.round(per_s))}/s`;
  if (per_s >= 0.95) return `${trim(per_s, 1)}/s`;
  return per_s > 0 ? `${trim(per_s * 60, per_s * 60 < 10 ? 1 : 0)}/min` : 'quiet';
}
