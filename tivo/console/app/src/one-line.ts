/** A value in one line; where it happened comes last, and what the key says already is left out. */
export function oneLine(value: unknown, key?: unknown): string {
  if (value === null || value === undefined) return '∅';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, each]) => each !== key || key === null);
  return [...fields.filter(([name]) => !isPlaceName(name)), ...fields.filter(([name]) => isPlaceName(name))]
    .map(([name, each]) => `${name} ${each !== null && typeof each === 'object' ? JSON.stringify(each) : each}`)
    .join('  ');
}

const isPlaceName = (name: string): boolean => name === 'lon' || name === 'lat';
