import { APP, get } from './api.js';
