// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Training runs and the models they make
/// @notice Native module at 0x00000000000000000000000000000000006d7504.
interface ITraining {
    event RunCreated(bytes32 indexed run, address indexed builder, address indexed trainingModule);
    event RunFinished(bytes32 indexed run, address indexed builder, address indexed sameBuilder);

    event TrainerAdded(bytes32 indexed run, address indexed builder, address indexed trainer);
    event RoundAgreed(bytes32 indexed run, address indexed trainer, address indexed trainingModule);
    event PoolOpened(bytes32 indexed run, address indexed builder, address indexed trainingModule);
    event ContributionsAgreed(bytes32 indexed run, address indexed trainer,
                              address indexed trainingModule);
    event TrainerConvicted(bytes32 indexed run, address indexed accuser, address indexed trainer);
    event RunClosed(bytes32 indexed run, address indexed sender, address indexed builder);

    /// @notice Opens a run; the value is held for its trainers. The run's id is a hash of builder,
    /// nonce and spec.
    /// @param spec Digest of the run's settings.
    /// @param trainers 1 to 256 addresses, without repeats.
    function createRun(bytes32 spec, address[] calldata trainers) external payable;

    /// @notice The builder takes one trainer more into an open run.
    function addTrainer(bytes32 run, address trainer) external;

    /// @notice A trainer tells what a round resulted in. A round is agreed on once more than half of
    /// the run's trainers told the same result; each of them, and each who tells it later, has one
    /// agreed round more.
    /// @param round Below 1,000,000 and later than the last one that this trainer told of.
    /// @param result Digest of the state after the round.
    function reportRound(bytes32 run, uint32 round, bytes32 result) external;

    /// @notice As reportRound, with what each asset contributed to the round. A round is agreed on when
    /// result, assets and weights are the same; then the weights are added up.
    /// @param assets Licensed for the run, in ascending order; at most 1024.
    /// @param ppm Each asset's part of the round in millionths; at most 1,000,000 together.
    function reportContributions(bytes32 run, uint32 round, bytes32 result,
                                 bytes32[] calldata assets, uint64[] calldata ppm) external;

    /// @notice A trainer of an open run, or its builder, says that what another trainer sent for a round
    /// is not what its steps bring. It is convicted once more than half of the other trainers say so,
    /// at least two, or the builder does. Whom the trainers convicted has no part of the escrow.
    function accuseTrainer(bytes32 run, address trainer, uint32 round) external;

    /// @notice The builder adds to the pool that data owners share by contribution when the run ends:
    /// the value, paid at once, and a part of the model's income. Licences' shares stay beside it;
    /// all together are at most 90 %. Without contributions both go to the builder.
    function fundContributors(bytes32 run, uint32 ppmOfIncome) external payable;

    /// @notice Anybody closes a run that its builder has not finished in 90 days: the escrow goes to
    /// the trainers by agreed rounds, and back to the builder when there are none.
    function closeRun(bytes32 run) external;

    /// @notice The builder finishes the run. Half of the escrow is paid by agreed rounds, if there are
    /// any, and the rest by the tokens that the builder tells; what is left goes back. The model is
    /// registered with a share for each licence that the builder accepted.
    /// @param modelContent Digest of the model's manifest; not registered by the builder before.
    /// @param pricePerToken Wei for each generated token.
    /// @param assets Licensed assets that were used, without repeats; at most 1024.
    /// @param assetTokens Measured tokens of each asset.
    /// @param trainerTokens Measured tokens of each trainer, in the run's order.
    /// @param firstLossMilli Loss on held-out text before training, thousandths of a nat per byte.
    /// @param lastLossMilli The same after training.
    function finishRun(
        bytes32 run,
        bytes32 modelContent,
        uint64 modelSize,
        string calldata title,
        uint256 pricePerToken,
        bytes32[] calldata assets,
        uint64[] calldata assetTokens,
        uint64[] calldata trainerTokens,
        uint32 rounds,
        uint32 firstLossMilli,
        uint32 lastLossMilli
    ) external;

    /// @notice A run. Reverts when there is none.
    /// @return state 0 open, 1 finished, 2 closed unfinished.
    /// @return sharesPpm Of the model's income, promised to owners so far.
    /// @return model Zero until the run is finished.
    function run(bytes32 id)
        external
        view
        returns (
            address builder,
            bytes32 spec,
            uint8 state,
            uint256 reward,
            uint64 createdMs,
            uint32 sharesPpm,
            bytes32 model,
            uint32 rounds,
            uint32 firstLossMilli,
            uint32 lastLossMilli,
            address[] memory trainers
        );

    /// @notice The earliest round that a trainer may tell of, and how many it was agreed with on.
    function trainerRounds(bytes32 run, address trainer)
        external
        view
        returns (uint32 next, uint32 agreed);

    /// @notice A run's pool, and the sum of all its contributions in millionths of a round.
    /// @return amount Wei; 0 once the run has ended.
    function contributionPool(bytes32 run)
        external
        view
        returns (uint32 ppmOfIncome, uint256 amount, uint64 total);

    /// @notice What an asset contributed to the agreed rounds, in millionths of a round.
    function contributionOf(bytes32 run, bytes32 asset) external view returns (uint64);

    /// @notice Who accused a trainer of the run, and whether that convicts it; all zero when nobody did.
    function convictionOf(bytes32 run, address trainer)
        external
        view
        returns (bool byTrainers, bool byBuilder, uint32 round, address[] memory accusers);

    /// @notice The id of the run that the builder's transaction with this nonce makes.
    function runId(address builder, uint64 nonce, bytes32 spec) external pure returns (bytes32);
}
