using System.Globalization;

namespace PgMigration.Faults;

/// <summary>What happens in one run: everything that a seed decides.</summary>
internal sealed record Scenario
{
    private static readonly string[] Paused = ["PauseApp", "FenceSource", "MarkSource", "CompleteLastSegment", "DrainLink", "PromoteTarget", "ProveTarget", "OpenTarget", "RepointApp", "ResumeApp"];
    private static readonly string[] Around = ["CheckGates", "PrepareSource", "FillSegment", "TidyUp"];

    public required int Seed { get; init; }

    public required FaultKind Kind { get; init; }

    /// <summary>The step at which it strikes.</summary>
    public required string Step { get; init; }

    /// <summary>At the step's begin or end, with the session held there; null for some moment within it.</summary>
    public required string? Boundary { get; init; }

    /// <summary>After the step's begin.</summary>
    public required TimeSpan Delay { get; init; }

    /// <summary>Until it is mended.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Whether whoever finds an unfinished cutover goes back, rather than on.</summary>
    public required bool GoesBack { get; init; }

    /// <summary>Whether that is tried before the cause is mended.</summary>
    public required bool Impatient { get; init; }

    /// <summary>What strikes the session that goes on or back.</summary>
    public required FaultKind? Second { get; init; }

    /// <summary>Whether a cutover that came back to the source is tried once more, if the target still follows.</summary>
    public required bool TriesAgain { get; init; }

    /// <summary>How long the app may take to write again once the cutover has ended.</summary>
    public TimeSpan AliveLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Megabytes of a WAL segment.</summary>
    public required int SegmentMegabytes { get; init; }

    /// <summary>Everything of a seed.</summary>
    public static Scenario Of(int seed)
    {
        var random = new Random(seed);
        var kinds = Enum.GetValues<FaultKind>();
        var kind = kinds[(seed % kinds.Length + kinds.Length) % kinds.Length];
        string step = random.Next(6) == 0 ? Around[random.Next(Around.Length)] : Paused[random.Next(Paused.Length)];
        return new Scenario
        {
            Seed = seed,
            Kind = kind,
            Step = step,
            Boundary = random.Next(3) switch { 0 => "before", 1 => "after", _ => null },
            Delay = TimeSpan.FromMilliseconds(random.Next(step is "DrainLink" or "PromoteTarget" or "FillSegment" ? 150 : 25)),
            Duration = kind == FaultKind.SessionFrozen ? TimeSpan.FromMilliseconds(random.Next(4) == 0 ? 1000 : 6000) : TimeSpan.FromMilliseconds(random.Next(100, 3000)),
            GoesBack = random.Next(2) == 0,
            Impatient = random.Next(3) == 0,
            Second = random.Next(3) == 0 ? kinds[random.Next((int)FaultKind.ArchiveAway)] : null,
            TriesAgain = random.Next(3) > 0,
            SegmentMegabytes = random.Next(4) == 0 ? 1 : 16,
        };
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"seed {Seed}: {Kind} {(Boundary is null ? $"{Delay.TotalMilliseconds:0} ms into" : Boundary)} {Step} for {Duration.TotalSeconds:0.0} s, then {(GoesBack ? "undo" : "resume")}{(Impatient ? " at once" : string.Empty)}{(Second is { } second ? $" with {second}" : string.Empty)}, {SegmentMegabytes} MB segments");
}
