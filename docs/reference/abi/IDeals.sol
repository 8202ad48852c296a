// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Keeping a block for a term, and showing that one does
/// @notice Native module at 0x00000000000000000000000000000000006d7509. A deal is with the nodes that
/// signed a block's certificate and offer storage until the deal ends. A node is paid up to the
/// opening of the last audit that it answered; who does not answer is slashed. Payments are logs
/// Paid of the treasury, with the deal as about.
interface IDeals {
    event StorageOffered(bytes32 indexed about, address indexed node, address indexed sameNode);
    event DealOpened(bytes32 indexed deal, address indexed client, address indexed dealsModule);
    event AuditOpened(bytes32 indexed deal, address indexed challenger, address indexed node);
    event AuditAnswered(bytes32 indexed deal, address indexed challenger, address indexed node);
    /// @notice The node did not answer in time: it was slashed and is paid no more.
    event AuditMissed(bytes32 indexed deal, address indexed challenger, address indexed node);
    event DealClosed(bytes32 indexed deal, address indexed sender, address indexed client);

    /// @notice The sender, an active storage node, says at which price it keeps what it signs for.
    /// @param weiPerKibDay For all 256 slots of a block; a node gets the part of the slots it holds.
    /// @param untilMs No deal that ends later; a time that has passed takes the offer back. Deals
    /// that were made stay.
    function offerStorage(uint64 weiPerKibDay, uint64 untilMs) external;

    /// @notice Opens a deal about a certified block from now on; its id is a hash of sender, nonce and
    /// block. The price of all holders is locked, what the value has more comes back at once. Nodes
    /// do not drop the block before the deal is closed.
    /// @param endMs One minute to 400 days from now, of block time.
    /// @param leastSlots Reverts when the holders have fewer of the 256 slots, or there is none.
    function openDeal(bytes32 block_, uint64 endMs, uint32 leastSlots) external payable;

    /// @notice Asks a holder to show what it keeps. In the next block one of its slots and one of the
    /// slot's rows are drawn, by the state hash of this one; it has an hour from then on. Only slots
    /// that placement has not given to others since, while the node is a member, are drawn.
    /// @dev The value is 0.01 MUT, which goes to the node when it answers and back otherwise; 0 when a
    /// node audits itself. One audit of a node and deal at a time, until 7 days after the end.
    function audit(bytes32 deal, address node) external payable;

    /// @notice Answers an audit; anybody may bring the proof. The node is paid for the time up to the
    /// audit's opening.
    /// @param proof Canonical bytes of a slot's proof (docs/reference, block format): the opening of
    /// the certificate's commitment at the slot, the digests of the slot's rows, and the row.
    function answerAudit(bytes32 deal, address node, bytes calldata proof) external;

    /// @notice After an audit's deadline anybody ends it: the node loses 30 % of its stake, of which 5 %
    /// go to who opened the audit, leaves the network, and is paid no more for the deal.
    function expireAudit(bytes32 deal, address node) external;

    /// @notice Anybody closes a deal that has ended, once all holders are paid or 7 days have passed.
    /// What nobody earned goes back to the client.
    function closeDeal(bytes32 deal) external;

    /// @notice A node's price; zeros when it offers nothing.
    function storageOffer(address node)
        external
        view
        returns (uint64 weiPerKibDay, uint64 untilMs);

    /// @notice What a deal about the block from now until then would cost, with whom.
    function quote(bytes32 block_, uint64 endMs)
        external
        view
        returns (uint256 cost, uint32 slots, address[] memory nodes);

    /// @notice A deal that is not closed. Reverts when there is none.
    /// @return escrow Wei that are not paid yet.
    function deal(bytes32 id)
        external
        view
        returns (
            bytes32 block_,
            address client,
            uint64 beginMs,
            uint64 endMs,
            uint256 escrow,
            uint32 openAudits,
            address[] memory nodes
        );

    /// @notice What one node has of a deal.
    function holding(bytes32 deal, address node)
        external
        view
        returns (uint32 slots, uint256 total, uint256 paid, bool lost);

    /// @notice The audit that a node has to answer. Reverts when there is none.
    /// @return deadlineMs 0 until slot and row are drawn.
    /// @return draw The row at place first8(BLAKE3_keyed("drawn row", draw)) mod rows of the slot.
    function openAudit(bytes32 deal, address node)
        external
        view
        returns (
            address challenger,
            uint256 deposit,
            uint64 openedMs,
            uint64 deadlineMs,
            uint32 slot,
            bytes32 draw
        );
}
