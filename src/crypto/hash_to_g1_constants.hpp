// What RFC 9380 fixes for hashing to BLS12-381's G1 (section 8.8.1 and appendix E.2), times 2^416,
// in words of 52 bits. Internal to crypto's *_ifma.cpp files.
#pragma once

#include "crypto/g1_lanes.hpp"

namespace mutirao::crypto::g1_lanes::hash_constants {

// The curve E' that SWU maps to: y^2 = x^3 + A x + B.
inline constexpr std::uint64_t kA[kWords] = {0xef04ef21a1d3d, 0xbbb7dd060d393, 0xff807c891fa32,
                                             0x4fa226001e542, 0x7bb9118160f3,  0x1b290faa81f81,
                                             0x9d3a96a7ea346, 0xf49b};
inline constexpr std::uint64_t kB[kWords] = {0x3b73bc2a9d2a5, 0x15a68b00ba2c3, 0x9cc6f3e45ccb6,
                                             0x954434d7b95ae, 0xabe57e8ae707a, 0x9f7da2e4af85,
                                             0xb2d5637f0c3a9, 0x13315};
inline constexpr std::uint64_t kMinusA[kWords] = {0xfb10de58d6e,   0x42f976f9f280c, 0x6b8ee5b8cb1cd,
                                                  0xc31d4130b44cc, 0x6e8be3a039291, 0x7ea698c9b4c,
                                                  0x816901567f705, 0xab75};
inline constexpr std::uint64_t kEleven[kWords] = {0xd18a1420da52d, 0x668c0a2ed1269, 0xa4219d0526a63,
                                                  0xf508c07e4cd00, 0x74ad0852fdcb0, 0x1c842acdc01ab,
                                                  0xafa7a8a245d49, 0x1499a};
inline constexpr std::uint64_t kRootOfMinusElevenCubed[kWords] = {
    0x1609a746f34c0, 0x2471ecbcf7b4e, 0xe27bda0f54066, 0x3ba01ba17b338,
    0x7f68aaea20d6c, 0x4d90f06070654, 0x8fc33dff483e8, 0xcc7d};
// The isogeny from E' takes x to above(x) / below(x)^2, and y to y above(x) / below(x)^3: these are
// the coefficients, the lowest first. Appendix E.2 has the powers of `below` multiplied out; it is
// of degree 5 with one more coefficient, 1.
inline constexpr std::uint64_t kXAbove[][kWords] = {
    {0xc30e54cea954c, 0x2c005849d7971, 0xd715c29ae0148, 0x907020e3a53bd, 0x7c6a16c411041,
     0xe69948dd0a956, 0x9d40a27f1ed3b, 0xf5e1},
    {0xfd4a28549b8f4, 0x56c8ab28c709f, 0x4a67a9bb63a5c, 0x9daed82e709b4, 0x36ecc71ec6721,
     0xa57a94c7caca4, 0xbc4ec6861fa43, 0x5ede},
    {0xc7ef4d37bbe85, 0x92236a05eef27, 0xd6fc0574db435, 0x3663519c3ca70, 0x316b333e9dff5,
     0x3c576c7a140f5, 0xc92ab8490ac71, 0xc4fc},
    {0x5716e5f794dd, 0xfc61184e8d686, 0x30e1d3e38b48c, 0x6151fcd7ea3a6, 0xa0e4a02f70bc7,
     0x3dcfb71d31c24, 0x47d0c8984635a, 0xaf4a},
    {0x26de7d1f60d67, 0x8182188436307, 0xd73a043fb5b43, 0xe7d4ff3121ef7, 0xa701cd8b6ae46,
     0x75c170e4dcf03, 0xea6a1303cc944, 0xd60a},
    {0xf789b832e2aed, 0xf78958405b096, 0xfddfe71baaf92, 0x47d0b0a82cad0, 0x4d90c1c0deb6a,
     0xb15bce09e5c9a, 0xcdc0886c55d30, 0xbdbd},
    {0x6a97ce04f560, 0xfffdd551b32, 0x47199ac9bff50, 0xb47c3597902bb, 0xcdfbac357584a,
     0x8f6efa5ed8ad2, 0xf9fd7f04327ca, 0x122a7},
    {0xcc5403ae7a87e, 0x1cc773e1e0b98, 0xa2efbf4da56bf, 0x3d4fc6fd23363, 0x26df55044c6ba,
     0xc367629c7621c, 0xc38f193386049, 0x11aaf},
    {0x8d0883a03a57f, 0x5d571d7b705a5, 0x8cf1bb2d88085, 0x1247837354aad, 0x575ff8502bf85,
     0x6c46c26133291, 0x71d8be7e1ff34, 0x16b25},
    {0xe905be53dfb6d, 0xf6bde5df1763a, 0xa8cf5b1ffaffb, 0xf0b25ec567037, 0x21fac7580f013,
     0x7d472ca751155, 0xf19372639955d, 0x16a9c},
    {0x43b35628fe157, 0x193ba130f07bd, 0x49e1f1f500ce8, 0x4d6b24785544c, 0xd353ccf34ad83,
     0x4391e89fca1f7, 0xbb58c7c4740de, 0xb65d},
    {0x1c778b758a254, 0x81bbfc8021969, 0x3ada674994d40, 0xeda7fbab772de, 0x383c94462de09,
     0xc611796de0d20, 0xb32401cd85fe7, 0x3653}};
inline constexpr std::uint64_t kBelow[][kWords] = {
    {0xc1cf913befc70, 0x7f966c5b7501c, 0xd7b972c7cd304, 0x455e1c436b58f, 0x53e45c65650b4,
     0xaf99401e1e5f4, 0xa430e1f6a5389, 0xc915},
    {0x7c28ca5c5b897, 0x41372923eb29b, 0x332c3593fd26e, 0xa0865d06cc834, 0x3c99b167af951,
     0x6986851d89f13, 0x1f33781ab9cf5, 0xe8b3},
    {0x7ab8ac2e48540, 0xee15fdda213ac, 0xdb0c6c5f90204, 0x6394e830bd63c, 0x42093d3c198f1,
     0x9a74366be8eee, 0xfc7927aff8b2, 0x55f1},
    {0x75e91ba2933fc, 0x6ae05a940b125, 0xe1ed8f0bc658b, 0x97c31a80b90da, 0xfed1cd4c11925,
     0x23be746fe0a42, 0x7cce3325d1391, 0x129e6},
    {0x27e1dcb09965c, 0x193c6610dc82c, 0xe0ce0293e3eda, 0x5b01efe25916e, 0xb2e85a6afcc41,
     0x9b1f1bcbef0cc, 0x1a8bfa177dbc0, 0x761}};
inline constexpr std::uint64_t kYAbove[][kWords] = {
    {0xf9dad592d7b8c, 0xf850a6da6e97d, 0xae950b4a141e3, 0xbfea543499d7e, 0xafeaab0d7181a,
     0xf6e48aefa4f7e, 0x999907c668735, 0x19e2b},
    {0x6be07d286036, 0xab6d53525838a, 0x298f6a1b91f61, 0x3725c992e9e88, 0x5763151c652c2,
     0xd71a27da45a6f, 0xd8c73e90d7636, 0x1583f},
    {0xb37bdc3e5fa96, 0xc91740538f2e9, 0x403df2a4170e9, 0x51b80c7290ec2, 0xd06f6a864b7f1,
     0x2b5fcd8a29239, 0x335a8b09bc01, 0xe40d},
    {0x1e42b7f5004ea, 0xd9b038d8dfbcf, 0xc16eb0b20be7a, 0x34267196a920d, 0xf262ef74540a4,
     0x2f1009a65fea2, 0xdc431a6aab1f9, 0x476d},
    {0x5ccf50b6f90e, 0x26964ff12b986, 0xb16ab608c5d27, 0xbe037f65f1212, 0x6688dadb6132f,
     0x6b1dac26d7e63, 0x4346754610e94, 0x143b8},
    {0x5c3662214d762, 0xf2f505a11e26f, 0x41cbd90893e8e, 0x13d3e73de1d43, 0x7a0646c6025f3,
     0xf13d5df46d13d, 0x26351734aed13, 0xc11d},
    {0xdf34be53600ce, 0xe18fbe77fbd93, 0x1e768c3f467ee, 0x2413bbc59b9df, 0xa069fb72b31c4,
     0x3b95dbf3de6ff, 0x74a552e5ec78d, 0x1ead},
    {0x8f0b015ffc674, 0x73a73a074c7c6, 0x3b9c0a1cbb3d0, 0x580deaa0ed8fa, 0x648ca6442d838,
     0xddf55ec64c756, 0x65f92299b08e7, 0xfd4b},
    {0x5a2f70eaf5858, 0x9d4730edf6150, 0x13686a15c1147, 0xf61ea7788c214, 0x50f5ba4cb5cc8,
     0xfcc1b9cbcfd54, 0x40c6bdcfd8725, 0x1290c},
    {0xfe21f62e94d11, 0xefa78d5b8962d, 0x4ab2ec29442e3, 0xfa16ce68e1658, 0x1cf92d0916f8f,
     0x2d0f0f0053dc5, 0x328814dd6bb6c, 0xf92d},
    {0xa69c6f01c7ced, 0x37c8a4a933a92, 0x8612117bb22c2, 0xad4d7d9007c2, 0x4cc615637c8d7,
     0x5b04d185d9c71, 0x2d11a6da8b672, 0x19b12},
    {0xd457e74bed92f, 0x4902b5b99df1f, 0x79447848057fa, 0xbded2c938162f, 0xe3952608d0683,
     0xa4b361909a216, 0x49288a28e5ae3, 0x3662},
    {0xa275dfe732ba4, 0x71f9002eedfc5, 0x6a06bd966cf49, 0xbe246a4e90afd, 0x31f1ded8269d8,
     0x339ae5add7c65, 0x65145bc21ed0e, 0x3e72},
    {0xd548eef5dacd3, 0xac679da95e1c5, 0x9e743fc55302b, 0x8271b9baea1f5, 0xe8516db679329,
     0x54c42817c86f6, 0x3a69e3cc50ec5, 0x16708},
    {0xf8812ea87e0ab, 0xa5ef196f66863, 0xac23b49f1c41f, 0x6d9cf742da483, 0x9f8ae3febaaf6,
     0x4c31fc9f90bb4, 0xc63485c8d4593, 0x9d40},
    {0x6867f567c1e46, 0x67b24c0ba5b6c, 0x4f67a8886e934, 0xe0d48bf62767f, 0xfc467796a9479,
     0x70f725189f0d4, 0x71f515f9f7db6, 0x17f2e}};
// 2^1248 and 2^383 mod p, themselves.
inline constexpr std::uint64_t kRCubed[kWords] = {0x471516ca7ac0c, 0x236b77db88f62, 0x722468923960b,
                                                  0x8aaa788fc935,  0xb944540e9ecf5, 0x8657dbb7d51de,
                                                  0xa3a3979d68aed, 0x937c};
inline constexpr std::uint64_t kHalfBlstR[kWords] = {
    0x4000000015554, 0x53ab00001180,  0x53c276f855000, 0xb502633cb57c2,
    0x26e22d1ec31eb, 0x916126f2d14ca, 0x8571a006596d3, 0x17fbb};

}  // namespace mutirao::crypto::g1_lanes::hash_constants
