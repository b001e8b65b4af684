import { apiVersion, versionHeader } from '#gateway/schemas/version.ts';
import { VersionError } from './errors.ts';

const majorOf = (version: string): number => Number(version.split('.')[0]);
/** Of the interface that this client speaks; the gateway says its own with every answer. */
const apiMajor = majorOf(apiVersion);

/** @throws VersionError when the gateway says that it is of another major version. */
export function checkVersion(headers: Headers, baseUrl: string): void {
  const said = headers.get(versionHeader);
  if (said === null) return;
  const major = majorOf(said);
  if (major === apiMajor) return;
  const whose = major > apiMajor ? 'Update this checkout' : 'Use the checkout that the gateway was deployed from';
  throw new VersionError(
    `The gateway at ${baseUrl} speaks version ${said} of its interface, and this client version ${apiMajor}. ${whose}, or choose another gateway with --profile.`,
  );
}
