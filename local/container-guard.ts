// Loaded into a container's process, and into those that it forks, before their own code.
import { refuseTheOutside } from '#local/loopback-only.ts';

refuseTheOutside();
