// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Money that answers for what a node signs
/// @notice Native module at 0x00000000000000000000000000000000006d7507. All stake of a node is one pot,
/// of which its owners hold shares; rewards and slashes change the pot for all of them alike.
/// Payments are logs Paid of the treasury, with the node in the last 20 bytes of about.
interface IStaking {
    /// @notice Stake of the owner left a node's pot and waits to be released.
    event StakeLeaving(bytes32 indexed about, address indexed owner, address indexed node);
    /// @notice A fault of the node was proven, about a block, a deal, an answer, or a validator's votes.
    /// 30 % of what is staked for it and of what is leaving are gone, and it has left the network.
    event NodeSlashed(bytes32 indexed about, address indexed reporter, address indexed node);
    event ValidatorJoined(bytes32 indexed about, address indexed account, address indexed same);
    /// @notice The validator has no votes any more.
    event ValidatorLeft(bytes32 indexed about, address indexed account, address indexed same);

    /// @notice Stakes the value for a node: one's own, or anybody's. At least 0.001 MUT.
    function stake(address node) external payable;

    /// @notice Takes stake out of the pot. It is released 7 days later, is slashed like the rest
    /// until then, and earns nothing. A second call puts off the release of both.
    /// @param amount Wei; reverts when the sender's shares are worth less.
    function unstake(address node, uint256 amount) external;

    /// @notice Pays what the sender unstaked. Reverts before its release.
    function withdraw(address node) external;

    /// @notice Pays a day's rewards: 1 % of the treasury, to the pots of the members of the current
    /// epoch, by stake. Anybody may call it, once in each day (UTC) of block time.
    function distribute() external;

    /// @notice Slashes the storage nodes that signed both of two certificates about one block and
    /// epoch that differ in header, commitment, length or value. The sender gets 5 % of what is
    /// slashed, the treasury the rest. A node is slashed once a block.
    /// @param one Canonical bytes (docs/reference, certificate); any signers, no quorum.
    function proveConflict(bytes calldata one, bytes calldata other) external;

    /// @notice Slashes the storage node that signed for a slot with a row that is not the code's.
    /// @param certificate Signed by the slot's node, with others or alone.
    /// @param proof Canonical bytes of a fraud proof (docs/reference, block format).
    function proveBadRow(bytes calldata certificate, bytes calldata proof) external;

    /// @notice The sender becomes a validator, with one vote for each MUT staked for it: 100 at least, and
    /// the 100 validators with the most stake vote. Votes follow the stake from block to block; below
    /// 100 MUT the validator has left. An engine of one producer (solo) asks no validators.
    /// @dev One validator an account. A key that was proven to have voted twice is refused for ever.
    /// @param key Ed25519, as CometBFT signs with.
    /// @param proof 64 bytes: the key's signature over "mutirao v1 validator", the chain's id (8 bytes,
    /// little-endian) and the sender's address.
    /// @param blsKey 96 bytes: what the validator signs for batches with, which it keeps for others.
    /// @param blsProof 48 bytes: the proof of possession of that key.
    /// @param endpoint HOST:PORT at which other ledgers call the validator's.
    function joinValidators(
        bytes32 key,
        bytes calldata proof,
        bytes calldata blsKey,
        bytes calldata blsProof,
        string calldata endpoint
    ) external;

    /// @notice The sender's validator has no votes from the end of this block on. Its stake is unstaked as
    /// any other.
    function leaveValidators() external;

    /// @notice An account's validator. Reverts when it has none.
    /// @return votes As consensus was told last.
    function validator(address account) external view returns (bytes32 key, uint64 votes);

    /// @notice The account of a validator by the address that CometBFT has for its key (the first 20
    /// bytes of the key's SHA-256). Reverts when it never joined.
    /// @return faulty It was proven to have voted twice, and slashed for it.
    function validatorOf(address consensusAddress)
        external
        view
        returns (address account, bool faulty);

    /// @notice Wei in a node's pots; 0 for an address that nobody staked for.
    function stakeOf(address node) external view returns (uint256 bonded, uint256 leaving);

    /// @notice Wei that an owner's shares of a node's pots are worth.
    /// @return releaseMs Block time from which what is leaving may be withdrawn.
    function position(address owner, address node)
        external
        view
        returns (uint256 bonded, uint256 leaving, uint64 releaseMs);

    /// @notice Wei that a storage node must have bonded to be a member of an epoch.
    function stakeMinimum() external view returns (uint256);

    /// @notice What distribute would pay now, and the block time from which it may be called.
    function nextReward() external view returns (uint256 amount, uint64 fromMs);
}
