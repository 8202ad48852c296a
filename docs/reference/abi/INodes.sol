// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Who the nodes are
/// @notice Native module at 0x00000000000000000000000000000000006d7501. Storage nodes that join or
/// leave in a block make one new epoch at its end; certificates name the epoch of their signers.
interface INodes {
    /// @notice Storage nodes: the node is a member from the next epoch on.
    event NodeJoined(bytes32 indexed about, address indexed node, address indexed sameNode);
    event NodeLeft(bytes32 indexed about, address indexed node, address indexed sameNode);

    /// @notice Registers the sender as a node, or tells its new endpoint: with the same role, weight,
    /// keys and domain, nothing but the endpoint changes, and the epoch goes on.
    /// @param role 1 storage, 2 compute, 3 gateway, 4 trainer.
    /// @param weight Capacity, 1 to 1,000,000, in a unit that all nodes share.
    /// @param endpoint Where it answers, "host:port"; at most 256 bytes of UTF-8.
    /// @param blsKey 96 bytes, a point of G2; no other node may have registered it.
    /// @param possession 48 bytes: the key's signature over itself (proof of possession).
    /// @param boxKey X25519 key that others seal messages to.
    /// @param domain Failure domain, such as a zone or an operator: at most 64 bytes of UTF-8 without
    /// control characters. No domain holds more than a third of a block while another has room.
    /// Empty: one of its own.
    function register(
        uint8 role,
        uint32 weight,
        string calldata endpoint,
        bytes calldata blsKey,
        bytes calldata possession,
        bytes32 boxKey,
        string calldata domain
    ) external;

    /// @notice The sender's node leaves. Its record stays, as inactive.
    function leave() external;

    /// @notice What a node registered. Reverts when the address never did.
    function node(address at)
        external
        view
        returns (uint8 role, uint32 weight, bool active, string memory endpoint, string memory domain);

    /// @notice The epoch whose members hold what is stored now; 0 before the first.
    function currentEpoch() external view returns (uint64);
}
