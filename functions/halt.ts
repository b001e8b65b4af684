import { openDoor } from './door.ts';

export const handler = openDoor('halt');
