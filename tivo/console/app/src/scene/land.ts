/** The coasts of the world, out of the public-domain Natural Earth data, loaded when a map is first shown. */

type Ring = [lon: number, lat: number][];

interface Topology {
  transform: { scale: [number, number]; translate: [number, number] };
  arcs: [number, number][][];
  objects: { land: { geometries: { arcs: number[][][] }[] } };
}

let coming: Promise<Ring[]> | undefined;
let rings: Ring[] = [];

/** The rings that are here; they come a moment after the first question. */
export function coasts(): Ring[] {
  coming ??= import('world-atlas/land-110m.json').then(
    (module) => (rings = ringsOf(module.default as unknown as Topology)),
  );
  return rings;
}

/** TopoJSON: arcs are steps from point to point on a grid; ~n is arc n backwards. */
function ringsOf({ transform, arcs, objects }: Topology): Ring[] {
  const { scale, translate } = transform;
  const lines = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]): [number, number] => {
      x += dx;
      y += dy;
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    });
  });
  const ring = (numbers: number[]): Ring => numbers.flatMap((n) => (n < 0 ? lines[~n]!.toReversed() : lines[n]!));
  return objects.land.geometries.flatMap(({ arcs: polygons }) =>
    polygons.flatMap((polygon) => polygon.map(ring).flatMap(cut)),
  );
}

/** A ring that crosses the date line, as the pieces on either side of it. */
function cut(ring: Ring): Ring[] {
  const jumps = (i: number): boolean => Math.abs(ring[i]![0] - ring[(i || ring.length) - 1]![0]) > 180;
  const first = ring.findIndex((_, i) => jumps(i));
  if (first < 0) return [ring];
  const turned = [...ring.slice(first), ...ring.slice(0, first)];
  const pieces: Ring[] = [];
  turned.forEach((point, i) => {
    if (!i || Math.abs(point[0] - turned[i - 1]![0]) > 180) pieces.push([]);
    pieces.at(-1)!.push(point);
  });
  return pieces;
}
