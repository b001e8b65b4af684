// What `run` knows of tasks: loaded only where tasks are named, since the contracts bring their schemas along.
import { taskContract, taskNames } from '#core/catalogue/tasks.ts';
import { fieldsOf } from './payload/fields.ts';
import { flagOf, type Field } from './payload/flag.ts';

export interface TaskFlags {
  readonly task: string;
  readonly title: string;
  readonly fields: readonly Field[];
  /** Those that hold one value alone. */
  readonly fixed: readonly Field[];
}

export const taskFlags = (): TaskFlags[] =>
  taskNames.map((task) => {
    const { title, payload } = taskContract(task);
    return { task, title, ...fieldsOf(payload) };
  });

/** As commander has it: `--source.key <text>`; an open field takes NAME=VALUE, as often as need be. */
export function optionOf(field: Field): {
  readonly flags: string;
  readonly says: string;
  readonly choices: readonly string[];
} {
  const { kinds, choices = [], required } = field;
  const need = required ? 'needed' : 'optional';
  const says = required && choices.length === 1 ? 'may be left out' : need;
  const flag = flagOf(field).replace(/\.$/, '');
  return {
    flags: `${flag} <${field.open ? 'name=value' : kinds.join('|')}>`,
    says: field.default === undefined ? says : `${says}; default ${JSON.stringify(field.default)}`,
    choices,
  };
}
