import { untilWritten } from './conflict.ts';
import { Failure } from './errors.ts';
import type { Plane } from './plane.ts';
import type { Datasets, DatasetVersion } from './ports.ts';
import type { Run } from './run.ts';
import { storeKey } from './catalogue/stores.ts';

/** Name of the control record that holds a data set's newest version. */
const datasetRecordName = (tenant: string, name: string): string => `dataset#${tenant}#${name}`;

/** The data sets that one run may see: its tenant's. */
export function datasets(plane: Pick<Plane, 'control' | 'artefacts'>, run: Pick<Run, 'tenant'>): Datasets {
  const belongs = ['artifacts', 'inbox'] as const;
  const checkKey = (key: string): string => {
    const ours = belongs.some((prefix) => key.startsWith(`${storeKey(prefix, run.tenant)}/`));
    if (ours && !key.split('/').includes('..')) return key;
    throw new Failure(
      'INPUT_INVALID',
      `${key} does not belong to the tenant ${run.tenant}: name an object under ${belongs.map((prefix) => storeKey(prefix, run.tenant)).join('/ or ')}/`,
    );
  };
  return {
    async find(name) {
      const record = await plane.control.read(datasetRecordName(run.tenant, name));
      return record?.value as DatasetVersion | undefined;
    },
    async publish(name, version) {
      const record = datasetRecordName(run.tenant, name);
      await untilWritten(`the record ${record}`, async () => {
        const found = await plane.control.read(record);
        // Run ids are ordered by time: a run that was asked for earlier and ends later must not bring old data back.
        if (found && (found.value as DatasetVersion).run > version.run) return 'newer stands';
        return (await plane.control.write(record, version, found?.rev ?? 0)) === 'written' ? 'written' : undefined;
      });
    },
    read: async (key) => plane.artefacts.read(checkKey(key)),
    async keyOfAddress(address) {
      const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
      if (bucket === plane.artefacts.bucket) return checkKey(key);
      throw new Failure(
        'INPUT_INVALID',
        `${address} is not in the plane's bucket ${plane.artefacts.bucket}: copy the file into the inbox and name it by data.path`,
      );
    },
  };
}
