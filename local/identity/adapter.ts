// What a provider remembers: sessions, grants, codes waiting for a person. In memory, and gone with it.
import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Row {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}
/** Rows of one provider by `MODEL:ID`, kept when its keys are rotated. */
export type IdentityRows = Map<string, Row>;

/** Above this many, what has expired is thrown out before more is taken in. */
const roomy = 1_000;

/** Gives each model of a provider its own part of the rows. */
export const adapterOver =
  (rows: IdentityRows) =>
  (model: string): Adapter => {
    const keyOf = (id: string): string => `${model}:${id}`;
    const read = (id: string): AdapterPayload | undefined => {
      const row = rows.get(keyOf(id));
      return row && row.expiresAtMs > Date.now() ? row.payload : undefined;
    };
    const findBy = (field: 'uid' | 'userCode', wanted: string): AdapterPayload | undefined => {
      const entries = [...rows].filter(([key]) => key.startsWith(`${model}:`));
      const found = entries.find(([, { payload }]) => payload[field] === wanted);
      return found && read(found[0].slice(model.length + 1));
    };
    return {
      upsert: async (id, payload, expiresInSeconds = 3_600) => {
        if (rows.size > roomy) dropExpired(rows);
        rows.set(keyOf(id), { payload, expiresAtMs: Date.now() + expiresInSeconds * 1_000 });
      },
      find: async (id) => read(id),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      findByUid: async (uid) => findBy('uid', uid),
      consume: async (id) => {
        const payload = read(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1_000);
      },
      destroy: async (id) => void rows.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of rows) {
          if (key.startsWith(`${model}:`) && payload.grantId === grantId) rows.delete(key);
        }
      },
    };
  };

function dropExpired(rows: IdentityRows): void {
  for (const [key, { expiresAtMs }] of rows) if (expiresAtMs <= Date.now()) rows.delete(key);
}
