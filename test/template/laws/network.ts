import { at, differences, ofType, type Law, type Plane, type Properties } from '../plane.ts';

/** What is paid by the hour whether anything runs or not. */
const paid = [
  'AWS::EC2::NatGateway',
  'AWS::EC2::EIP',
  'AWS::EC2::TransitGateway',
  'AWS::EC2::VPNGateway',
  'AWS::EC2::ClientVpnEndpoint',
  'AWS::EC2::Instance',
  'AWS::EC2::FlowLog',
  'AWS::ElasticLoadBalancing::LoadBalancer',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::NetworkFirewall::Firewall',
];
const groups = (plane: Plane) => ofType(plane, 'AWS::EC2::SecurityGroup');

export const networkLaws: Law[] = [
  {
    says: 'nothing in the network is paid while nothing runs: no NAT, no address kept, no interface endpoint, no balancer',
    broken: (plane) => [
      ...paid.flatMap((type) => ofType(plane, type).map(({ id }) => `${id} is a ${type}`)),
      ...ofType(plane, 'AWS::EC2::VPCEndpoint')
        .filter(({ Properties: endpoint }) => endpoint['VpcEndpointType'] !== 'Gateway')
        .map(({ id }) => `${id} is an endpoint that is paid by the hour`),
    ],
    planted: (plane) =>
      (plane.template.Resources['Endpoint'] = {
        Type: 'AWS::EC2::VPCEndpoint',
        Properties: { VpcEndpointType: 'Interface' },
      }),
  },
  {
    says: 'nobody connects to an executor; it calls out by HTTPS and to Redis only',
    broken: (plane) => {
      const egress = groups(plane).flatMap(({ Properties: group }) => group['SecurityGroupEgress'] as Properties[]);
      return [
        ...differences('the number of security groups', groups(plane).length, 1),
        ...groups(plane)
          .filter(({ Properties: group }) => ((group['SecurityGroupIngress'] ?? []) as unknown[]).length > 0)
          .map(({ id }) => `${id} admits somebody`),
        ...ofType(plane, 'AWS::EC2::SecurityGroupIngress').map(({ id }) => `${id} admits somebody`),
        ...differences(
          'ways out',
          egress.map(({ IpProtocol, FromPort, ToPort }) => [IpProtocol, FromPort, ToPort]),
          [443, 6379].map((port) => ['tcp', port, port]),
        ),
      ];
    },
    planted: (plane) => (plane.template.Resources['Open'] = { Type: 'AWS::EC2::SecurityGroupIngress', Properties: {} }),
  },
  {
    says: 'there are two public subnets in two zones, where only who asks for it has a public address',
    broken: (plane) => {
      const subnets = ofType(plane, 'AWS::EC2::Subnet').map(({ Properties: subnet }) => subnet);
      const toInternet = ofType(plane, 'AWS::EC2::Route').filter(({ Properties: route }) => 'GatewayId' in route);
      return [
        ...differences(
          'zones',
          subnets.map((subnet) => at(subnet['AvailabilityZone'], 'Fn::Select')),
          [0, 1].map((index) => [index, { 'Fn::GetAZs': '' }]),
        ),
        ...differences(
          'addresses',
          subnets.map((subnet) => subnet['MapPublicIpOnLaunch']),
          [false, false],
        ),
        ...differences('ways to the internet', toInternet.length, 2),
      ];
    },
    planted: (plane) => {
      const [subnet] = ofType(plane, 'AWS::EC2::Subnet');
      if (subnet) subnet.Properties['MapPublicIpOnLaunch'] = true;
    },
  },
];
