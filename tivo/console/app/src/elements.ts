/**
 * The elements of the console for pages of your own:
 *
 *     <script type="module">
 *       import { Tivo } from 'http://127.0.0.1:8080/elements.js';
 *       const player = new Tivo('http://127.0.0.1:8080/').player({ topics: 'quakes', autoplay: true });
 *       document.querySelector('tivo-timeline').player = document.querySelector('tivo-controls').player = player;
 *     </script>
 */
export { Player, Tivo, TivoError } from '../../lib/tivo.js';
export { TivoControls } from './controls.ts';
export { TivoScene } from './scene.ts';
export { TivoTimeline } from './timeline.ts';
