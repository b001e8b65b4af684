import * as z from 'zod';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';

export interface DashboardSpec {
  name: string;
  /** JSON, every intrinsic replaced; what is in it is looked at when it is drawn. */
  body: string;
}

const schema = z.object({ DashboardName: z.string().optional(), DashboardBody: z.string() });

/** The dashboards of the template. */
export const dashboardSpecs = (resolver: Resolver): DashboardSpec[] =>
  resolver.ofType('AWS::CloudWatch::Dashboard').map((resource) => ({
    name: resolver.physicalName(resource),
    body: parseProperties(resolver, resource, schema).DashboardBody,
  }));
