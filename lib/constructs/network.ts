import { CfnSecurityGroup, IpAddresses, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/** Ports on which executors call out: AWS's own services and everything else by HTTPS, and the state Redis. */
const egressPorts = { https: 443, redis: 6379 } as const;

/**
 * Where executors run. Nothing in it is paid by the hour: public subnets, and each task has a public address while it
 * runs (0.005 USD an hour), where a NAT gateway would cost 33 USD a month and interface endpoints 7 each. Nobody can
 * connect to a task all the same, since its security group admits nothing. Functions stay outside.
 */
export class Network extends Construct {
  readonly subnetIds: string[];
  readonly securityGroupId: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.73.0.0/20'),
      maxAzs: 2,
      natGateways: 0,
      // Addresses are given by RunTask, to tasks alone.
      subnetConfiguration: [
        { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 22, mapPublicIpOnLaunch: false },
      ],
      // It would take a function of the CDK's own to empty the default group, which nothing here uses.
      restrictDefaultSecurityGroup: false,
    });
    this.subnetIds = vpc.publicSubnets.map(({ subnetId }) => subnetId);
    this.securityGroupId = this.outwardOnly(vpc.vpcId).attrGroupId;
  }

  /** Names are resolved by the VPC's own resolver, which security groups do not filter. */
  private outwardOnly(vpcId: string): CfnSecurityGroup {
    return new CfnSecurityGroup(this, 'Executors', {
      vpcId,
      groupDescription: 'Executors: nothing comes in, HTTPS and Redis go out',
      securityGroupIngress: [],
      securityGroupEgress: Object.entries(egressPorts).map(([description, port]) => ({
        description,
        ipProtocol: 'tcp',
        cidrIp: '0.0.0.0/0',
        fromPort: port,
        toPort: port,
      })),
    });
  }
}
