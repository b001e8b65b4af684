/** Version of this interface: the major rises when something that was there is gone or means something else. */
export const apiVersion = '1.0';
/** Every answer carries it, so that a client notices a gateway that it cannot speak with. */
export const versionHeader = 'alphaswarm-version';
