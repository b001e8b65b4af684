import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { entryPoints, type Family } from '#core/catalogue/entry-points.ts';
import { bundle } from '#lib/bundle.ts';

export interface ExecutorImageProps {
  /** Root of the project, where the entry points' files are. */
  readonly root: string;
  /** Where bundles are made. */
  readonly bundlesFolder: string;
  readonly families: readonly Family[];
  /** The image to build upon, in Docker's short form: it has Node 24 on its PATH. */
  readonly base: string;
}

/**
 * One image for all families: a folder each, beside the Dockerfile, and the task definition chooses. Synthesis only lays
 * the folder out; the image is built and pushed by the deployment.
 */
export class ExecutorImage extends Construct {
  readonly image: ContainerImage;

  constructor(scope: Construct, id: string, { root, bundlesFolder, families, base }: ExecutorImageProps) {
    super(scope, id);
    const directory = join(bundlesFolder, 'executor');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    copyFileSync(join(root, 'containers/executor/Dockerfile'), join(directory, 'Dockerfile'));
    for (const family of families) {
      bundle({
        root,
        file: entryPoints[family].file,
        codeFolder: join(directory, family),
        metaFile: join(bundlesFolder, family, 'meta.json'),
      });
    }
    this.image = ContainerImage.fromDockerImageAsset(
      new DockerImageAsset(this, 'Asset', { directory, platform: Platform.LINUX_ARM64, buildArgs: { BASE: base } }),
    );
  }
}

/** What a container of this image runs for a family. */
export const commandOf = (family: Family): string[] => ['node', `${family}/index.mjs`];
