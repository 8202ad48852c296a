// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Which blocks are stored
/// @notice Native module at 0x00000000000000000000000000000000006d7502.
interface IStorage {
    event BlockCertified(bytes32 indexed id, address indexed payer, address indexed storageModule);
    event BlockReleased(bytes32 indexed id, address indexed payer, address indexed storageModule);

    /// @notice Records an availability certificate. The value must be the genesis price for each
    /// started KiB of the block's length; it is shared among the signers by slots held, and what
    /// rounding leaves goes to the treasury.
    /// @dev Reverts when the block is certified already, when the epoch is unknown or more than 16
    /// epochs old, when the signers hold fewer than 171 of the 256 slots, when the commitment is no
    /// point of G1, or when the aggregate signature does not verify.
    /// @param certificate Canonical bytes (docs/reference, certificate).
    function certify(bytes calldata certificate) external payable;

    /// @notice Whoever paid for a block needs it no more: nodes may drop it.
    function release(bytes32 id) external;
}
