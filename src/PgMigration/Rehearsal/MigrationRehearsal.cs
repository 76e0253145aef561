namespace PgMigration;

/// <summary>
/// A migration on throwaway servers of this machine, under load: a locked-down host, its archive, a restore that follows it and the cutover to it; from
/// there a DMS and the cutover to a managed server; and the proofs that nothing was lost. Whatever happens, nothing keeps running.
/// </summary>
public static class MigrationRehearsal
{
    /// <summary>Runs a rehearsal from nothing to its proofs, and removes everything again.</summary>
    /// <param name="options">What is rehearsed.</param>
    /// <param name="observer">Sees each phase and the progress within it.</param>
    /// <param name="cancel">Ends it; it returns when nothing runs any more.</param>
    /// <returns>The report, also when a proof failed: see <see cref="RehearsalReport.Failure"/>.</returns>
    /// <exception cref="MigrationException"><c>RehearsalNeedsLinux</c>, or what made a phase fail.</exception>
    public static async Task<RehearsalReport> RunAsync(RehearsalOptions options, IMigrationObserver observer, CancellationToken cancel = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new MigrationException("RehearsalNeedsLinux", MigrationErrorKind.NotSupported,
                "A rehearsal restores a server on this machine, which needs Linux. Run it on the machine that will hold the new server, or in a Linux container.");
        }

        if (options is { Incident: not RehearsalIncident.None, Leg: RehearsalLeg.First })
        {
            throw new MigrationException("IncidentNeedsSecondLeg", MigrationErrorKind.InvalidArgument, $"The incident {options.Incident} happens at the cutover by DMS: rehearse leg 2, or both.");
        }

        LocalPgBouncer.FindProgram(); // what is missing is said before minutes are spent
        await using var run = new RehearsalRun(options, observer);
        return await run.RunAsync(cancel);
    }
}
