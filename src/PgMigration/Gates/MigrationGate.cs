namespace PgMigration;

/// <summary>A yes/no check that must hold before a cutover begins.</summary>
public abstract class MigrationGate
{
    /// <summary>What it checks, in a few words.</summary>
    public abstract string Name { get; }

    /// <summary>Asks once.</summary>
    /// <param name="cancel">Ends the question.</param>
    public abstract Task<GateResult> TestAsync(CancellationToken cancel = default);
}
