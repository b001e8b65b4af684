// Reads what `cdk synth` wrote: the manifest, each stack's template, and the assets files that say which folder is behind
// which S3 key. Code is found through those files and never by guessing folder names, because `cdk destroy`, `list` and
// `diff` rewrite the folder with other paths. Nothing is resolved here; intrinsics.ts does that once addresses are known.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { PlaneError, messageOf, systemCodeOf } from '#local/errors.ts';

export interface Resource {
  stack: Stack;
  logicalId: string;
  type: string;
  properties: Record<string, unknown>;
}

export interface Stack {
  name: string;
  templateFile: string;
  resources: Map<string, Resource>;
  conditions: Record<string, unknown>;
  parameters: Record<string, { Type: string; Default?: unknown }>;
  /** Export name (possibly an intrinsic) and value of each output that other stacks import. */
  exports: { name: unknown; value: unknown }[];
}

export interface Assembly {
  dir: string;
  stacks: Stack[];
  /** Unpacked folder of each zip asset, by its S3 object key. */
  assetFolders: Map<string, string>;
  /** Folder with the Dockerfile of each image asset, by the image's tag. */
  imageFolders: Map<string, string>;
}

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({ type: z.string(), properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});

const templateSchema = z.object({
  Resources: z
    .record(
      z.string(),
      z.object({
        Type: z.string(),
        Properties: z.record(z.string(), z.unknown()).default({}),
        Condition: z.string().optional(),
      }),
    )
    .default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Parameters: z.record(z.string(), z.object({ Type: z.string(), Default: z.unknown().optional() })).default({}),
  Outputs: z
    .record(z.string(), z.object({ Value: z.unknown(), Export: z.object({ Name: z.unknown() }).optional() }))
    .default({}),
});

const assetsSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({
        source: z.object({ path: z.string().optional(), packaging: z.string().optional() }),
        destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
      }),
    )
    .default({}),
  dockerImages: z
    .record(
      z.string(),
      z.object({
        source: z.object({ directory: z.string().optional() }),
        destinations: z.record(z.string(), z.object({ imageTag: z.string() })),
      }),
    )
    .default({}),
});

type Manifest = z.infer<typeof manifestSchema>;

/** Reads the assembly in `assemblyDir`. Throws ASSEMBLY_UNREADABLE with the file that is missing or broken. */
export function readAssembly(assemblyDir: string): Assembly {
  const dir = resolve(assemblyDir);
  const manifest = readJson(join(dir, 'manifest.json'), manifestSchema);
  const stacks = artifactsOf(manifest, 'aws:cloudformation:stack');
  if (stacks.length === 0) return readNested(dir, manifest);
  return {
    dir,
    stacks: stacks.map(([id, properties]) => readStack(dir, id, properties)),
    ...readAssetFolders(dir, manifest),
  };
}

/** An app made of CDK stages has its stacks one folder further down; one stage is entered, several need a choice. */
function readNested(dir: string, manifest: Manifest): Assembly {
  const nested = artifactsOf(manifest, 'cdk:cloud-assembly').map(([, properties]) => text(properties['directoryName']));
  if (nested.length === 1 && nested[0]) return readAssembly(join(dir, nested[0]));
  const what = nested.length
    ? `holds ${nested.length} stages (${nested.join(', ')}): name one of them`
    : 'holds no stack';
  throw new PlaneError(
    'ASSEMBLY_UNREADABLE',
    `The assembly ${dir} ${what}. Run \`npx cdk synth\` and give its output folder.`,
  );
}

function artifactsOf(manifest: Manifest, type: string): [string, Record<string, unknown>][] {
  return Object.entries(manifest.artifacts)
    .filter(([, artifact]) => artifact.type === type)
    .map(([id, artifact]) => [id, artifact.properties]);
}

function readStack(dir: string, id: string, properties: Record<string, unknown>): Stack {
  const templateFile = join(dir, text(properties['templateFile']) || `${id}.template.json`);
  const template = readJson(templateFile, templateSchema);
  const stack: Stack = {
    name: text(properties['stackName']) || id,
    templateFile,
    resources: new Map(),
    conditions: template.Conditions,
    parameters: template.Parameters,
    exports: Object.values(template.Outputs).flatMap((output) =>
      output.Export ? [{ name: output.Export.Name, value: output.Value }] : [],
    ),
  };
  for (const [logicalId, { Type, Properties, Condition }] of Object.entries(template.Resources)) {
    if (Condition !== undefined) {
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `${templateFile}: resource ${logicalId} exists only under the condition ${Condition}, which the local plane does not evaluate. Decide it at synthesis.`,
      );
    }
    stack.resources.set(logicalId, { stack, logicalId, type: Type, properties: Properties });
  }
  return stack;
}

function readAssetFolders(dir: string, manifest: Manifest): Pick<Assembly, 'assetFolders' | 'imageFolders'> {
  const assetFolders = new Map<string, string>();
  const imageFolders = new Map<string, string>();
  for (const [id, properties] of artifactsOf(manifest, 'cdk:asset-manifest')) {
    const { files, dockerImages } = readJson(join(dir, text(properties['file']) || `${id}.json`), assetsSchema);
    for (const { source, destinations } of Object.values(files)) {
      if (source.packaging !== 'zip' || source.path === undefined) continue;
      for (const { objectKey } of Object.values(destinations)) assetFolders.set(objectKey, resolve(dir, source.path));
    }
    for (const { source, destinations } of Object.values(dockerImages)) {
      if (source.directory === undefined) continue;
      for (const { imageTag } of Object.values(destinations))
        imageFolders.set(imageTag, resolve(dir, source.directory));
    }
  }
  return { assetFolders, imageFolders };
}

/** The folder behind an S3 key of code. Throws ASSEMBLY_UNREADABLE when no asset has the key or its folder is gone. */
export const codeFolder = (assembly: Assembly, s3Key: string, owner: string): string =>
  existing(assembly, assembly.assetFolders.get(s3Key), `The code of ${owner} (S3 key ${s3Key})`);

/** The folder that an image is built from. Throws ASSEMBLY_UNREADABLE when no asset has its tag or its folder is gone. */
export const imageFolder = (assembly: Assembly, image: string, owner: string): string =>
  existing(assembly, assembly.imageFolders.get(image.split(':').at(-1) ?? ''), `The image of ${owner} (${image})`);

function existing({ dir }: Assembly, folder: string | undefined, what: string): string {
  if (folder !== undefined && existsSync(folder)) return folder;
  const why = folder === undefined ? 'no assets file of the assembly names it' : `its folder ${folder} is missing`;
  throw new PlaneError(
    'ASSEMBLY_UNREADABLE',
    `${what} cannot be found in ${dir}: ${why}. Run \`npx cdk synth\` again.`,
  );
}

function readJson<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new PlaneError(
      'ASSEMBLY_UNREADABLE',
      `${file} ${whyUnreadable(error)}. Run \`npx cdk synth\` to write it anew.`,
      {
        cause: error,
      },
    );
  }
}

function whyUnreadable(error: unknown): string {
  if (error instanceof SyntaxError) return `is not valid JSON (${error.message})`;
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return `has not the shape of a cloud assembly (${issue?.path.join('.')}: ${issue?.message})`;
  }
  return systemCodeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${messageOf(error)})`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
