import './page.css';
import './console.ts';
