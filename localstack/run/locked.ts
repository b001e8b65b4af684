// Imported by Node before the CDK's own code (node --import): neither it nor what it starts can leave this machine.
import { refuseTheOutside } from '#local/loopback-only.ts';

refuseTheOutside();
