/** Places to pixels: the whole world on the Equal Earth projection (Šavrič, Patterson, Jenny 2018), a city on a plain grid. */

export interface Projection {
  /** Whether it is the whole world. */
  world: boolean;
  point(lon: number, lat: number): [x: number, y: number];
}

const RADIAN = Math.PI / 180;
const [A1, A2, A3, A4] = [1.340264, -0.081106, 0.000893, 0.003796];
const M = Math.sqrt(3) / 2;
const WIDE = 2.7066299836;
const TALL = 1.3173627591;

function equalEarth(lon: number, lat: number): [number, number] {
  const turned = ((((lon + 180) % 360) + 360) % 360) - 180;
  const theta = Math.asin(M * Math.sin(lat * RADIAN));
  const square = theta * theta;
  const sixth = square * square * square;
  const x = (turned * RADIAN * Math.cos(theta)) / (M * (A1 + 3 * A2 * square + sixth * (7 * A3 + 9 * A4 * square)));
  return [x, theta * (A1 + A2 * square + sixth * (A3 + A4 * square))];
}

export function worldProjection(width: number, height: number, room = 18): Projection {
  const scale = Math.min((width - 2 * room) / (2 * WIDE), (height - 2 * room) / (2 * TALL));
  return {
    world: true,
    point(lon, lat) {
      const [x, y] = equalEarth(lon, lat);
      return [width / 2 + x * scale, height / 2 - y * scale];
    },
  };
}

export interface Box {
  west: number;
  east: number;
  south: number;
  north: number;
}

export function localProjection(box: Box, width: number, height: number, room = 56): Projection {
  const squeeze = Math.cos(((box.south + box.north) / 2) * RADIAN);
  const [across, up] = [Math.max((box.east - box.west) * squeeze, 1e-6), Math.max(box.north - box.south, 1e-6)];
  const scale = Math.min((width - 2 * room) / across, (height - 2 * room) / up);
  const [middleLon, middleLat] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
  return {
    world: false,
    point: (lon, lat) => [width / 2 + (lon - middleLon) * squeeze * scale, height / 2 - (lat - middleLat) * scale],
  };
}
