// The complete environment of a container: what its task definition gives it, what ECS gives it, and where its AWS is.
import { join } from 'node:path';
import { localVariables, refuseOtherAccounts, type EnvironmentOptions } from '#local/function-environment.ts';
import type { TaskDefinitionSpec } from '#local/task-resources.ts';

interface ContainerEnvironmentOptions extends EnvironmentOptions {
  /** Path of the metadata endpoint on the AWS front. */
  metadataPath: string;
  /** In place of `/tmp`, which on Fargate is each task's own. */
  temporaryDir: string;
}

/** Throws NOT_LOOPBACK or TEMPLATE_UNSUPPORTED for a template that names another AWS than the plane. */
export function containerEnvironment(
  { family, container }: TaskDefinitionSpec,
  options: ContainerEnvironmentOptions,
): Record<string, string> {
  refuseOtherAccounts(container.variables, `the container of ${family}`);
  const { settings, endpoints, metadataPath, temporaryDir, path } = options;
  return {
    ...container.variables,
    AWS_REGION: settings.region,
    AWS_DEFAULT_REGION: settings.region,
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    ECS_CONTAINER_METADATA_URI_V4: `${endpoints.aws}${metadataPath}`,
    TMPDIR: temporaryDir,
    TZ: 'UTC',
    PATH: path,
    ...localVariables(options),
  };
}

/** Where a task of this plane leaves files and log. */
export const taskFolder = (tasksDir: string, id: string): { log: string; temporary: string } => ({
  log: join(tasksDir, `${id}.log`),
  temporary: join(tasksDir, id, 'tmp'),
});
