// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Which blocks are stored
/// @notice Native module at 0x00000000000000000000000000000000006d7502.
interface IStorage {
    event BlockCertified(bytes32 indexed id, address indexed payer, address indexed storageModule);
    event BlockReleased(bytes32 indexed id, address indexed payer, address indexed storageModule);

    /// @notice Records an availability certificate and pays for parts of its block. Several owners'
    /// objects may share a block; each pays for its own. The value must be the genesis price for
    /// each started KiB of each part; it is shared among the signers by slots held, and what
    /// rounding leaves goes to the treasury.
    /// @dev The first call for a block reverts when the epoch is unknown or more than 16 epochs old,
    /// when the signers hold fewer than 171 of the 256 slots, when the commitment is no point of G1,
    /// or when the aggregate signature does not verify. Later calls need only the block's id in the
    /// certificate. Every call reverts when the sender has paid for one of the contents in this
    /// block already, when the parts are more than nobody has paid for yet, and when the block was
    /// released.
    /// @param certificate Canonical bytes (docs/reference, certificate).
    /// @param bytesOfParts How much of the block's content each object has: 1 to 1024 parts.
    /// @param contents The objects' content ids, in the same order.
    function certify(bytes calldata certificate, uint64[] calldata bytesOfParts,
                     bytes32[] calldata contents) external payable;

    /// @notice Pays for one part of each of 1 to 64 blocks, all or none: as certify does for each.
    /// @dev Reverts when any of them would. One block may be there several times, with parts of
    /// different contents.
    function certifyAll(bytes[] calldata certificates, uint64[] calldata bytesOfParts,
                        bytes32[] calldata contents) external payable;

    /// @notice Whoever paid for parts of a block needs them no more. Once all parts of all payers
    /// are released, nodes may drop the block.
    function release(bytes32 id, bytes32[] calldata contents) external;

    /// @notice A certified block: the ledger block that recorded it, the slots signed for of 256, the
    /// bytes paid for, and whether all payers released it. Reverts when there is none.
    function storedBlock(bytes32 id)
        external
        view
        returns (uint64 height, uint32 slotsSigned, uint64 paidBytes, bool released);

    /// @notice Wei, once, for each started KiB.
    function pricePerKib() external view returns (uint256);
}
