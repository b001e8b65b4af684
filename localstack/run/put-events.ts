import * as z from 'zod';

const schema = z.object({
  Entries: z.array(
    z.object({
      EventBusName: z.string().optional(),
      Source: z.string().optional(),
      DetailType: z.string().optional(),
      Detail: z.string().optional(),
    }),
  ),
});

/** The events of a call that was answered; none for any other call. */
export function putEventsOf({ target, body }: { target: string; body: string }): z.infer<typeof schema>['Entries'] {
  return target === 'AWSEvents.PutEvents' ? schema.parse(JSON.parse(body)).Entries : [];
}
